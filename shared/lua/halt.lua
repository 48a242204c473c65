-- ARGV: the operator's reason or ''. From now on no paid call begins, until the key is deleted.
-- Returns since when; a pause that is there keeps its moment.
redis.call('HSETNX', halt, 'since', now_ms())
redis.call('HSET', halt, 'reason', ARGV[1])
return redis.call('HGET', halt, 'since')
