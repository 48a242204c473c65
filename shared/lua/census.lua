-- ARGV: the statuses. Returns {how many jobs there are by kind and then by status, ms since the oldest that is
-- queued was accepted, how many are under way, workers that live, their slots, receivers of webhooks to come,
-- what today's jobs cost, ms for which nobody calls the provider, the breaker, what was counted}.
local now = now_ms()
local owners = redis.call('SMEMBERS', key('owners'))
owners[#owners + 1] = ''

local jobs, oldest = {}, now
for _, kind in ipairs(kinds) do
  for _, status in ipairs(ARGV) do
    local number = 0
    for _, owner in ipairs(owners) do number = number + redis.call('ZCARD', list_key(owner, kind, status)) end
    jobs[#jobs + 1] = number
  end
  for _, owner in ipairs(owners) do
    local first = redis.call('ZRANGE', list_key(owner, kind, 'queued'), 0, 0, 'WITHSCORES')[2]
    oldest = math.min(oldest, tonumber(first or now))
  end
end

local under_way = 0
for _, place in ipairs({ 'running', 'parked', 'resuming' }) do under_way = under_way + redis.call('ZCARD', key(place)) end
local workers, slots = redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf'), 0
for _, worker in ipairs(workers) do slots = slots + (redis.call('HGET', key('workers:capacity'), worker) or 0) end

return {
  jobs, now - oldest, under_way, #workers, slots, redis.call('ZCARD', key('outbox')), spent(now, ''),
  math.max(0, math.ceil(paused_until(now) - now)), redis.call('HGETALL', breaker), redis.call('HGETALL', key('counts')),
}
