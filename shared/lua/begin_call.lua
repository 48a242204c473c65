-- ARGV: id, claim, ms between two provider calls, longest wait in ms, ms a slot may be late, ms of the limit's window.
-- Returns {'go', 0}: send now, it is noted as sent; of a job that cooks at the provider {'go', ms since it
-- was sent}: ask for the result now, nothing is noted; {'wait', ms}: a slot is kept, ask again then;
-- {'later', ms}: no slot so soon, hand the job back; {'stale', 0}: the claim no longer holds.
local id, claim = ARGV[1], ARGV[2]
local interval, longest, late = spaced(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local now = now_ms()
local lease = redis.call('ZSCORE', key('running'), id)
if not holds(id, claim) or not lease or tonumber(lease) < now then return { 'stale', 0 } end
local sent, cooks = unpack(redis.call('HMGET', job_key(id), 'sent', 'provider_id'))
-- asked again because the answer was lost: the slot is taken and the call is noted already
if sent and not cooks then return { 'go', 0 } end

-- A job that was under way when the operator paused looks again after so many ms, in its place in the queue.
local halt_pause = 1000

-- For how long no call of this job may go out, 0 when it may. What cooks is only asked for, which costs
-- nothing; only a key that is refused is refused there too.
local function barred()
  local paused = paused_until(now) - now
  if paused > 0 then return paused end
  if halted() and not cooks then return halt_pause end
  local state, why, trial = breaker_state()
  if not state or (cooks and why ~= 'provider_auth') or (state == 'half_open' and trial == id) then return 0 end
  return math.max(1000, tonumber(redis.call('HGET', breaker, 'probe_at')) - now)
end

local bar = barred()
if bar > 0 then
  redis.call('HDEL', job_key(id), 'slot')
  return { 'later', math.min(bar, longest_pause) }
end

local slot = tonumber(redis.call('HGET', job_key(id), 'slot') or 0)
if slot < now - late or slot > now + longest_slot then
  slot = next_slot(now, interval)
  if slot - now > longest then return { 'later', math.ceil(slot - now) } end
  redis.call('SET', key('pace:next'), string.format('%.3f', slot + interval))
end
if slot > now then
  redis.call('HSET', job_key(id), 'slot', math.ceil(slot))
  return { 'wait', math.ceil(slot - now) }
end
redis.call('HDEL', job_key(id), 'slot')
note_slot(now, ARGV[6])
if cooks then return { 'go', math.max(0, now - sent) } end
redis.call('HSET', job_key(id), 'sent', now)
redis.call('HINCRBY', job_key(id), 'attempts', 1)
-- a job has waited until its first call; what it waits before another is not the queue's
if redis.call('HSETNX', job_key(id), 'called', now) == 1 then
  local created, kind = unpack(redis.call('HMGET', job_key(id), 'created', 'kind'))
  observe(now - created, 'wait', kind)
end
return { 'go', 0 }
