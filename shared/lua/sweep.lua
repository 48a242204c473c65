-- ARGV: ms that a dispatched job may stay unclaimed, how many to name at most, claim, lease in ms.
-- Puts unclaimed jobs back; adopts those whose lease ran out, so that one sweeper alone decides about
-- each; returns how many it put back, those it adopted, those past their deadline.
-- Workers sweep every second.
local longest_gap = 5000
local unclaimed, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local put_back = 0
-- what lies ahead was sent before the clock went back
for _, span in ipairs({ { '-inf', now - unclaimed }, { now + unclaimed, '+inf' } }) do
  local lost = redis.call('ZRANGEBYSCORE', key('dispatched'), span[1], span[2], 'LIMIT', 0, most)
  for _, id in ipairs(lost) do enqueue(id) end
  local unasked = redis.call('ZRANGEBYSCORE', key('resuming'), span[1], span[2], 'LIMIT', 0, most)
  for _, id in ipairs(unasked) do put('parked', id, now) end
  put_back = put_back + #lost + #unasked
end
-- a worker that takes no more messages knows itself by that
if put_back > 0 then count('messages_put_back', put_back) end
-- Nobody swept for a while: the store was away, or this machine slept, and workers could not renew their
-- leases. Each lasts longer by that while, also those that have a moment left; who is really gone is adopted
-- when that ends, however often it happens.
local last = number_at('sweep:last')
redis.call('SET', key('sweep:last'), now)
local gap = now - last
if last > 0 and (gap > longest_gap or gap < 0) then
  for _, place in ipairs({ 'running', 'ending' }) do
    local leases = redis.call('ZRANGE', key(place), 0, -1, 'WITHSCORES')
    for n = 1, #leases, 2 do
      local ends = gap < 0 and now + ARGV[4] or leases[n + 1] + gap
      redis.call('ZADD', key(place), ends, leases[n])
    end
  end
end
-- a lease can't last longer than it was given: the clock went back
for _, place in ipairs({ 'running', 'ending' }) do
  local late = redis.call('ZRANGEBYSCORE', key(place), '(' .. (now + ARGV[4]), '+inf', 'LIMIT', 0, most)
  for _, id in ipairs(late) do redis.call('ZADD', key(place), now + ARGV[4], id) end
end
-- whose worker is gone has no call under way
local ended = redis.call('ZRANGEBYSCORE', key('ending'), '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(ended) do call_ended(id) end
-- Half a lease is long enough to decide about what is adopted; should this answer be lost, or its sweeper die,
-- another adopts them soon.
local orphans = redis.call('ZRANGEBYSCORE', key('running'), '-inf', now, 'LIMIT', 0, most)
for _, id in ipairs(orphans) do
  redis.call('HSET', job_key(id), 'claim', ARGV[3])
  redis.call('ZADD', key('running'), now + ARGV[4] / 2, id)
end
local overdue = redis.call('ZRANGEBYSCORE', key('deadlines'), '-inf', now, 'LIMIT', 0, most)
return { put_back, orphans, overdue }
