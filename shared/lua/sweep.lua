-- ARGV: ms that a dispatched job may stay unclaimed, how many to name at most.
-- Puts unclaimed jobs back; returns how many, those whose lease ran out, those past their deadline.
local unclaimed, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local lost = redis.call('ZRANGEBYSCORE', key('dispatched'), '-inf', now - unclaimed, 'LIMIT', 0, most)
for _, id in ipairs(lost) do enqueue(id) end
local orphans = redis.call('ZRANGEBYSCORE', key('running'), '-inf', now, 'LIMIT', 0, most)
local overdue = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', now, 'LIMIT', 0, most)
return { #lost, orphans, overdue }
