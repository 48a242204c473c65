-- ARGV: 'ok', or why the breaker stays open; the account's balance in thousandths of a credit, or '' when it was not told. After a good probe one job goes first. Returns the breaker's state.
if ARGV[2] ~= '' then redis.call('HSET', key('balance'), 'credits', ARGV[2], 'told', now_ms()) end
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
