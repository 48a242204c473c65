-- ARGV: how many calls, ms between two provider calls, ms of the limit's window. Takes slots for calls that have
-- none: those that are no job's, and those that arrived when theirs were long over. No more than a window's.
local interval = spaced(ARGV[2])
local now = now_ms()
local slot = next_slot(now, interval)
local booked = math.min(slot + ARGV[1] * interval, now + ARGV[3])
redis.call('SET', key('pace:next'), string.format('%.3f', math.max(slot, booked)))
return 1
