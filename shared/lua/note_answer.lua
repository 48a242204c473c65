-- ARGV: id. The provider has answered a paid call of this job as one does that is well.
-- Only the job that goes first closes the breaker: what else is answered was sent before it opened, and is a
-- reason to look at once.
local state, why, trial = breaker_state()
if state == 'open' then
  if why == 'provider_unavailable' then redis.call('HSET', breaker, 'probe_at', now_ms()) end
elseif not state or trial == ARGV[1] then
  redis.call('DEL', breaker)
end
return 1
