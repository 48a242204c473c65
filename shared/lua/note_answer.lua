-- ARGV: id. The provider has answered a paid call of this job as one does that is well.
-- Only the job that goes first closes the breaker: what else is answered was sent before it opened, and is a
-- reason to look at once.
local state, why, trial = breaker_state()
if state == 'open' then
  if why == 'provider_unavailable' then redis.call('HSET', breaker, 'probe_at', now_ms()) end
elseif not state or trial == ARGV[1] then
  if state then
    -- what went first in vain has paused for minutes, and need not wait for the end of that
    for _, id in ipairs(redis.call('ZRANGE', key('delayed'), 0, 999)) do
      redis.call('ZADD', key('delayed'), now_ms(), id)
    end
  end
  redis.call('DEL', breaker)
end
return 1
