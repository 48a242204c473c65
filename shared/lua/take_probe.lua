-- ARGV: ms that a probe may take. Returns {} when none is due, or {why the breaker is open, what the next jobs
-- cost, in thousandths of a credit}: whoever gets that makes the free balance call and tells how it went.
local now = now_ms()
local state, why = breaker_state()
local due = tonumber(redis.call('HGET', breaker, 'probe_at') or 0)
-- a moment that far ahead was written before the clock went back
if state ~= 'open' or (due > now and due <= now + longest_pause) then return {} end
redis.call('HSET', breaker, 'probe_at', now + ARGV[1])
local price = 0
for _, owner in ipairs(redis.call('ZRANGE', ring, 0, 99)) do
  for _, lane in ipairs({ lanes(owner) }) do
    local id = redis.call('ZRANGE', lane, 0, 0)[1]
    if id then price = math.max(price, tonumber(redis.call('HGET', job_key(id), 'estimate'))) end
  end
end
return { why, price }
