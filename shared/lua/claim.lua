-- ARGV: id, claim, lease in ms, how many jobs of an owner may run (see free_of). Returns the record, now running, or nothing when it is not to be had.
-- The same claim again (an answer was lost) is granted again.
-- Of a job that cooks at the provider nothing changes but who holds it, and nobody is told.
local id, claim, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not holds(id, claim) then
  local now = now_ms()
  local found = redis.call('HMGET', job_key(id), 'status', 'deadline', 'provider_id')
  if found[3] then
    -- only for the message that was sent for it: another must not ask too early
    if not redis.call('ZSCORE', key('resuming'), id) then return {} end
    redis.call('HSET', job_key(id), 'claim', claim)
    put('running', id, now + lease)
    return redis.call('HGETALL', job_key(id))
  end
  -- past its deadline nothing is bought any more: the sweeper ends it
  if found[1] ~= 'queued' or now >= tonumber(found[2]) then return {} end
  -- a second message must not cut short the pause of a job that waits for its next try
  if redis.call('ZSCORE', key('delayed'), id) then return {} end
  -- a message that is late, of a job that waits for its turn again, must not break its owner's limit
  local sent = redis.call('ZSCORE', key('dispatched'), id)
  if not sent and free_of(owner_of(id), decoded(ARGV[4])) == 0 then return {} end
  local others = take_over()
  if others then return others end
  redis.call('HSETNX', job_key(id), 'started', now)
  redis.call('HDEL', job_key(id), 'sent', 'slot', 'trouble')
  move(id, 'running', { 'claim', claim })
  redis.call('ZADD', key('running'), now + lease, id)
  redis.call('ZREM', key('deadlines'), id)
end
return redis.call('HGETALL', job_key(id))
