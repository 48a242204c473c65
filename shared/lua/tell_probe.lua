-- ARGV: 'ok', or why the breaker stays open. After a good probe one job goes first. Returns the breaker's state.
local state, why = breaker_state()
if state ~= 'open' then return state or '' end
if ARGV[1] == 'ok' then
  redis.call('HSET', breaker, 'state', 'half_open')
  redis.call('HDEL', breaker, 'trial')
  return 'half_open'
end
if ARGV[1] ~= why then redis.call('HDEL', breaker, 'probes') end
open_breaker(ARGV[1], now_ms())
return 'open'
