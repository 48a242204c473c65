-- ARGV: owner, how many requests it may send in any minute. Takes one; returns {1, how many are left, ms until
-- one more is}, or {0, 0, ms until there is one again}. The moments of the last minute are kept, and nothing else
-- is exact: a counter for each minute lets twice as many through around its end.
local window, most = 60000, tonumber(ARGV[2])
local taken, now = of_owner('requests', ARGV[1]), now_ms()
local first = tonumber(redis.call('LINDEX', taken, 0))
-- what lies ahead was written before the clock went back
while first and (first <= now - window or first > now) do
  redis.call('LPOP', taken)
  first = tonumber(redis.call('LINDEX', taken, 0))
end
local number = redis.call('LLEN', taken)
if number >= most then
  -- more than one too many, when the limit was lowered
  return { 0, 0, redis.call('LINDEX', taken, number - most) + window - now }
end
redis.call('RPUSH', taken, now)
redis.call('PEXPIRE', taken, window)
return { 1, most - number - 1, (first or now) + window - now }
