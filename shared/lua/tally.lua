-- ARGV: process, number of this report, how many callers wait in the process or '' when it takes none, ms until the
-- process counts as gone (0: it says good-bye), then what it has counted since its last report: name, number, …
-- A report whose answer was lost comes again under its number, and is counted once.
local process, held, ttl = ARGV[1], ARGV[3], tonumber(ARGV[4])
local now = now_ms()
even_when_full()
local gone = redis.call('ZRANGEBYSCORE', key('web'), '-inf', now)
if ttl == 0 then gone[#gone + 1] = process end
for _, each in ipairs(gone) do
  redis.call('ZREM', key('web'), each)
  redis.call('HDEL', key('web:held'), each)
end
if held ~= '' and ttl > 0 then
  redis.call('ZADD', key('web'), now + ttl, process)
  redis.call('HSET', key('web:held'), process, held)
end
local reported = key('reported:' .. process)
if redis.call('GET', reported) == ARGV[2] then return 0 end
for i = 5, #ARGV, 2 do redis.call('HINCRBY', tallies, ARGV[i], ARGV[i + 1]) end
redis.call('SET', reported, ARGV[2], 'PX', 3600000)
return 1
