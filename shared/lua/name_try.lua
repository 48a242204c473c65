-- ARGV: owner, what is asked for, an id, what becomes of it: "new", "again", "free" or "answered". Keeps the ids of
-- requests that ask for the same, for an hour, in the order in which one that comes again takes them up: those that
-- nobody is serving, then those that are served, the longest first, then those that were answered, the latest first.
-- Returns the id: the new one; or, of what comes again, that of the request it most likely was.
local hour, most, far = 3600000, 1000, 1e14
local tries, now = of_owner('tries', ARGV[1]) .. ':' .. ARGV[2], now_ms()
local id, becomes = ARGV[3], ARGV[4]
if becomes == 'free' or becomes == 'answered' then
  redis.call('ZADD', tries, 'XX', becomes == 'free' and now - far or far - now, id)
  return id
end
if becomes == 'again' then id = redis.call('ZRANGE', tries, 0, 0)[1] or id end
redis.call('ZADD', tries, now, id)
redis.call('ZREMRANGEBYRANK', tries, most, -1)
redis.call('PEXPIRE', tries, hour)
return id
