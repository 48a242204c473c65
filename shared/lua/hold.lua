-- ARGV: image name, who waits, ms it may take, how many may wait. Returns 1 when there is room, else 0.
-- The members are leases: one that a crash leaves behind runs out by itself.
local waiters, now = key('waiters:' .. ARGV[1]), now_ms()
redis.call('ZREMRANGEBYSCORE', waiters, '-inf', now)
local known = redis.call('ZSCORE', waiters, ARGV[2])
if not known and redis.call('ZCARD', waiters) >= tonumber(ARGV[4]) then return 0 end
redis.call('ZADD', waiters, now + ARGV[3], ARGV[2])
redis.call('PEXPIRE', waiters, math.max(tonumber(ARGV[3]), redis.call('PTTL', waiters)))
return 1
