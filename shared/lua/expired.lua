-- ARGV: how many to name at most. Returns the jobs whose images are past their time.
return redis.call('ZRANGEBYSCORE', key('expiring'), '-inf', now_ms(), 'LIMIT', 0, ARGV[1])
