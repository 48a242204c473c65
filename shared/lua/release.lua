-- ARGV: id, claim, pause in ms, counter to raise or '', '1' to take back the attempt if one is noted, code of the trouble.
-- Puts a running job back into the queue. Returns the revision, or 0 when the claim no longer holds.
-- One that cooks at the provider never gets there: it is parked, nothing is counted and nobody is told.
local id, claim, pause = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not holds(id, claim) then return 0 end
local found = redis.call('HMGET', job_key(id), 'provider_id', 'revision')
if found[1] then
  redis.call('HDEL', job_key(id), 'claim', 'slot')
  put('parked', id, now_ms() + pause)
  return tonumber(found[2])
end
-- a call that reached the provider starts the growing pauses anew
if ARGV[6] ~= '' and ARGV[4] ~= 'unreached' then redis.call('HDEL', job_key(id), 'unreached') end
if ARGV[4] ~= '' then redis.call('HINCRBY', job_key(id), ARGV[4], 1) end
if ARGV[4] == 'unknown' then
  count('calls_repeated_unknown_outcome')
  -- both calls may be charged
  local estimate, variant = unpack(redis.call('HMGET', job_key(id), 'estimate', 'variant'))
  correct(id, tonumber(estimate))
  tally(estimate, 'credits_unknown', variant)
end
if ARGV[5] == '1' and redis.call('HEXISTS', job_key(id), 'sent') == 1 then
  redis.call('HINCRBY', job_key(id), 'attempts', -1)
end
redis.call('HDEL', job_key(id), 'sent', 'slot', 'claim')
local fields = {}
if ARGV[6] ~= '' then fields = { 'trouble', ARGV[6] } end
local revision = move(id, 'queued', fields)
if pause > 0 then
  put('delayed', id, now_ms() + pause)
else
  enqueue(id)
end
redis.call('ZADD', key('deadlines'), redis.call('HGET', job_key(id), 'deadline'), id)
return revision
