-- ARGV: id, why ('provider_unavailable', 'provider_auth', 'provider_credits'), '1' when it surely does not lie
-- with the job. A paid call of this job has failed, and it is the provider's fault or our account's there.
-- One job that always fails is not enough to take the provider for down.
-- Returns 'closed': no more than that; 'opened': the breaker opens by it; 'open': it was open.
local id, why = ARGV[1], ARGV[2]
local now = now_ms()
local state, open_for, trial = breaker_state()

-- Whether this job costs more than the probe has asked credits for: put back, it would go first in vain for ever.
local function beyond_the_balance()
  local estimate = tonumber(redis.call('HGET', job_key(id), 'estimate') or 0)
  local price = tonumber(redis.call('HGET', breaker, 'price') or 0)
  return price > 0 and estimate > price
end

if not state then
  local failures = redis.call('HINCRBY', breaker, 'failures', 1)
  redis.call('HSETNX', breaker, 'first', id)
  if ARGV[3] == '1' or redis.call('HGET', breaker, 'first') ~= id then redis.call('HSET', breaker, 'sure', 1) end
  local enough = failures >= failures_to_open and redis.call('HEXISTS', breaker, 'sure') == 1
  if why == 'provider_unavailable' and not enough then return 'closed' end
elseif state == 'half_open' and id ~= trial then
  return 'open' -- it was sent before
elseif state == 'half_open' and why == 'provider_credits' and beyond_the_balance() then
  open_breaker(why, now)
  return 'opened'
elseif why == open_for or why == 'provider_unavailable' then
  if state == 'half_open' then open_breaker(why, now) end
  return 'open'
else
  redis.call('HDEL', breaker, 'probes', 'since')
end
open_breaker(why, now)
count('breaker_opened')
return 'opened'
