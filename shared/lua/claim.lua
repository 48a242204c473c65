-- ARGV: id, claim, lease in ms. Returns the record, now running, or nothing when it is not to be had.
-- The same claim again (an answer was lost) is granted again.
local id, claim, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not holds(id, claim) then
  local now = now_ms()
  local found = redis.call('HMGET', job_key(id), 'status', 'deadline')
  -- past its deadline nothing is bought any more: the sweeper ends it
  if found[1] ~= 'queued' or now >= tonumber(found[2]) then return {} end
  -- a second message must not cut short the pause of a job that waits for its next try
  if redis.call('ZSCORE', key('delayed'), id) then return {} end
  redis.call('HSETNX', job_key(id), 'started', now)
  redis.call('HDEL', job_key(id), 'sent', 'slot', 'trouble')
  move(id, 'running', { 'claim', claim })
  redis.call('ZADD', key('running'), now + lease, id)
  redis.call('ZREM', key('deadlines'), id)
end
return redis.call('HGETALL', job_key(id))
