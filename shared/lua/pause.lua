-- ARGV: ms for which nobody calls the provider. Never shortens a pause. Returns when it ends.
local now = now_ms()
local ends = math.max(paused_until(now), now + tonumber(ARGV[1]))
redis.call('SET', key('pace:paused_until'), string.format('%.0f', ends))
return ends
