-- ARGV: ms that a probe may take, who asks. Returns {} when none is due, or {why the breaker is open, what the
-- next job of some owner costs, in thousandths of a credit}: whoever gets that makes the free balance call and
-- tells how it went.
-- None is due while the operator has paused: nothing could start.
local prober = ARGV[2]
local now = now_ms()
local state, why = breaker_state()
if state ~= 'open' or halted() then return {} end
local due = tonumber(redis.call('HGET', breaker, 'probe_at') or 0)
-- Who asks again has lost the answer: the store hung and gave the probe to nobody when it woke, or a connection
-- broke. A moment that far ahead was written before the clock went back.
local own = redis.call('HGET', breaker, 'prober') == prober
if not own and due > now and due <= now + longest_pause then return {} end
-- Credits are to cover what one owner comes to next: one key's dear job must not keep everybody's cheap ones
-- waiting. Should the dear one go first, it ends by the refusal (see note_failure.lua).
local price
for _, owner in ipairs(redis.call('ZRANGE', ring, 0, 99)) do
  local dearest
  for _, lane in ipairs({ lanes(owner) }) do
    local id = redis.call('ZRANGE', lane, 0, 0)[1]
    if id then dearest = math.max(dearest or 0, tonumber(redis.call('HGET', job_key(id), 'estimate') or 0)) end
  end
  if dearest then price = math.min(price or dearest, dearest) end
end
price = price or 0
redis.call('HSET', breaker, 'probe_at', now + ARGV[1], 'prober', prober, 'price', price)
return { why, price }
