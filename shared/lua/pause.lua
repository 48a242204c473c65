-- ARGV: ms for which nobody calls the provider, ms to widen the distance between calls by (0: not).
-- Never shortens a pause. Many calls may meet one lock-out: only the first widens, each time twice as much, for
-- ten minutes from the last time. Returns when the pause ends.
local now, step = now_ms(), tonumber(ARGV[2])
if step > 0 and paused_until(now) <= now then
  local widened = math.min(2 * number_at('pace:widened') + step, 100 * step)
  redis.call('SET', key('pace:widened'), string.format('%.3f', widened), 'PX', 600000)
  count('rate_limited')
end
local ends = math.max(paused_until(now), now + tonumber(ARGV[1]))
redis.call('SET', key('pace:paused_until'), string.format('%.0f', ends))
return ends
