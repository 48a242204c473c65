-- ARGV: ms between two provider calls, ms to look ahead.
-- Picks the next jobs, as many as free workers and the coming slots can take; returns their ids.
local interval, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()

for _, due in ipairs({ { '-inf', now }, { now + longest_pause, '+inf' } }) do
  local ids = redis.call('ZRANGEBYSCORE', key('delayed'), due[1], due[2], 'LIMIT', 0, 500)
  for _, id in ipairs(ids) do enqueue(id) end
end
local paused = paused_until(now)
if paused > now + ahead then return {} end

local dispatched = redis.call('ZCARD', key('dispatched'))
local free = -dispatched - redis.call('ZCARD', key('running'))
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
  free = free + (redis.call('HGET', key('workers:capacity'), worker) or 0)
end
local first = math.max(next_slot(now, interval), paused)
local slots = math.floor((now + ahead - first) / interval) + 1 - dispatched
local room = math.min(free, slots)
if room <= 0 then return {} end

local ids = redis.call('ZRANGE', key('queued'), 0, room - 1)
for _, id in ipairs(ids) do put('dispatched', id, now) end
return ids
