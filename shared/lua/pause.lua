-- ARGV: ms for which nobody calls the provider. Never shortens a pause. Returns when it ends.
local ends = math.max(number_at('pace:paused_until'), now_ms() + tonumber(ARGV[1]))
redis.call('SET', key('pace:paused_until'), string.format('%.0f', ends))
return ends
