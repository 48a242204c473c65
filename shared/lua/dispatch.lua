-- ARGV: ms between two provider calls, ms to look ahead.
-- Picks the next jobs, as many as free workers and the coming slots can take; returns their ids. Those that
-- are paid for and whose results can be asked for come first.
local interval, ahead = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()

local dues = { { '-inf', now }, { now + longest_pause, '+inf' } }
for _, due in ipairs(dues) do
  local ids = redis.call('ZRANGEBYSCORE', key('delayed'), due[1], due[2], 'LIMIT', 0, 500)
  for _, id in ipairs(ids) do enqueue(id) end
end
local paused = paused_until(now)
if paused > now + ahead then return {} end

local dispatched = redis.call('ZCARD', key('dispatched')) + redis.call('ZCARD', key('resuming'))
local free = -dispatched - redis.call('ZCARD', key('running'))
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
  free = free + (redis.call('HGET', key('workers:capacity'), worker) or 0)
end
local first = math.max(next_slot(now, interval), paused)
local slots = math.floor((now + ahead - first) / interval) + 1 - dispatched
local room = math.min(free, slots)
if room <= 0 then return {} end

local ids = {}
local function pick(found, place)
  for i = 1, math.min(#found, room - #ids) do
    put(place, found[i], now)
    ids[#ids + 1] = found[i]
  end
end
for _, due in ipairs(dues) do
  pick(redis.call('ZRANGEBYSCORE', key('parked'), due[1], due[2], 'LIMIT', 0, room), 'resuming')
end
pick(redis.call('ZRANGE', key('queued'), 0, room - 1), 'dispatched')
return ids
