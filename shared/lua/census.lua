-- ARGV: ms of the provider limit's window, the statuses. Returns what Registrar.take names, in that order.
local window = ARGV[1]
local statuses = { unpack(ARGV, 2) }
local now = now_ms()
local owners = redis.call('SMEMBERS', key('owners'))
owners[#owners + 1] = ''

local jobs, oldest = {}, now
for _, kind in ipairs(kinds) do
  for _, status in ipairs(statuses) do
    local number = 0
    for _, owner in ipairs(owners) do number = number + redis.call('ZCARD', list_key(owner, kind, status)) end
    jobs[#jobs + 1] = number
  end
  for _, owner in ipairs(owners) do
    local first = redis.call('ZRANGE', list_key(owner, kind, 'queued'), 0, 0, 'WITHSCORES')[2]
    oldest = math.min(oldest, tonumber(first or now))
  end
end

local function number_in(places)
  local number = 0
  for _, place in ipairs(places) do number = number + redis.call('ZCARD', key(place)) end
  return number
end

-- How many of those that have said so live, and the sum of what each has told.
local function living(place, told)
  local names, sum = redis.call('ZRANGEBYSCORE', key(place), now, '+inf'), 0
  for _, name in ipairs(names) do sum = sum + (redis.call('HGET', key(told), name) or 0) end
  return #names, sum
end

local by_owner = {}
for _, owner in ipairs(owners) do
  by_owner[#by_owner + 1] = { owner, number_with(owner, 'queued'), number_with(owner, 'running'), spent(now, owner) }
end

local workers, capacity = living('workers', 'workers:capacity')
local web, held = living('web', 'web:held')
local cut_off = 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
  if redis.call('HGET', key('workers:trouble'), name) == 'provider_unavailable' then cut_off = cut_off + 1 end
end
forget_slots(now, window)

return {
  jobs,
  {
    now - oldest, number_in({ 'running', 'parked', 'resuming' }), workers, capacity, web, held,
    redis.call('ZCARD', key('outbox')), spent(now, ''), math.max(0, math.ceil(paused_until(now) - now)),
    redis.call('LLEN', taken_slots), number_at('stored_bytes'), cut_off,
  },
  redis.call('HGETALL', breaker), redis.call('HGETALL', counts), redis.call('HGETALL', tallies), bounds_ms, by_owner,
  redis.call('HGETALL', key('balance')),
}
