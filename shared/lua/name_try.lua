-- ARGV: owner, what is asked for, an id, what becomes of it ("new", "again", "free" or "answered"), for how many ms
-- to keep it. Keeps the ids of requests that ask for the same in the order in which one that comes again
-- takes them up: those that nobody is serving, then those that are served, the longest first, then those that were
-- answered, the latest first. Returns the id: the new one or, of what comes again, that of the request it most
-- likely was.
local most, far = 1000, 1e14
local tries, now = of_owner('tries', ARGV[1]) .. ':' .. ARGV[2], now_ms()
local id, becomes = ARGV[3], ARGV[4]
if becomes == 'again' then id = redis.call('ZRANGE', tries, 0, 0)[1] or id end
local ended = becomes == 'free' and now - far or becomes == 'answered' and far - now
if ended then
  redis.call('ZADD', tries, 'XX', ended, id)
else
  redis.call('ZADD', tries, now, id)
  redis.call('ZREMRANGEBYRANK', tries, most, -1)
end
redis.call('PEXPIRE', tries, ARGV[5])
return id
