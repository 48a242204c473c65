-- ARGV: image name, who waits, ms it may take, how many may wait. Returns 1 when there is room, else 0.
-- The members are leases: one that a crash leaves behind runs out by itself.
local waiters, now = key('waiters:' .. ARGV[1]), now_ms()
redis.call('ZREMRANGEBYSCORE', waiters, '-inf', now)
if redis.call('ZCARD', waiters) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', waiters, now + ARGV[3], ARGV[2])
redis.call('PEXPIRE', waiters, ARGV[3])
return 1
