-- ARGV: ms between two provider calls, ms to look ahead.
-- Picks the next jobs, as many as free workers and the coming slots can take; returns their ids. Those that
-- are paid for and whose results can be asked for come first, then those of the interactive lane; of ten turns
-- one is a batch's, so that no lane starves.
local interval, ahead = spaced(ARGV[1]), tonumber(ARGV[2])
local batch_turn = 10
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

local state, why, trial = breaker_state()
local ids = {}
local function take(id, place)
  put(place, id, now)
  ids[#ids + 1] = id
end

if why ~= 'provider_auth' or state == 'half_open' then
  for _, due in ipairs(dues) do
    local ripe = redis.call('ZRANGEBYSCORE', key('parked'), due[1], due[2], 'LIMIT', 0, room - #ids)
    for _, id in ipairs(ripe) do take(id, 'resuming') end
  end
end

if halted() then
  room = 0
elseif state == 'half_open' then
  room = math.min(room, under_way(trial) and 0 or #ids + 1)
elseif state then
  room = 0
end
local wanted = math.max(0, room - #ids)
if wanted == 0 then return ids end
local interactive = redis.call('ZRANGE', key('queued'), 0, wanted - 1)
local batch = redis.call('ZRANGE', key('queued_batch'), 0, wanted - 1)
local turn, i, b = number_at('turns'), 1, 1
for _ = 1, math.min(wanted, #interactive + #batch) do
  turn = turn + 1
  if batch[b] and (not interactive[i] or turn % batch_turn == 0) then
    take(batch[b], 'dispatched')
    b = b + 1
  else
    take(interactive[i], 'dispatched')
    i = i + 1
  end
  if state then redis.call('HSET', breaker, 'trial', ids[#ids]) end
end
-- turns are counted while both lanes want them
if i > 1 and #batch > 0 or b > 1 and #interactive > 0 then redis.call('SET', key('turns'), turn % batch_turn) end
return ids
