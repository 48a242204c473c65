-- ARGV: id, the provider's id of what it has begun to make, ms until the result is asked for.
-- From here on the job is never started again, only asked for. Needs no claim (it is paid for): also a
-- job that was taken from this worker meanwhile is parked, before another starts it once more.
-- Returns 1, or 0 when the job has ended or another start of it is known already.
-- An hour after the provider has it no more it ends, also when nobody can ask: the key is refused, or no
-- image could be kept.
local id, provider_id = ARGV[1], ARGV[2]
local given_up_after = 25 * 3600000
local status, known = unpack(redis.call('HMGET', job_key(id), 'status', 'provider_id'))
if known then return known == provider_id and 1 or 0 end
if status == 'queued' then
  move(id, 'running', { 'provider_id', provider_id })
elseif status == 'running' then
  redis.call('HSET', job_key(id), 'provider_id', provider_id)
else
  return 0
end
local now = now_ms()
redis.call('HSETNX', job_key(id), 'sent', now)
redis.call('HDEL', job_key(id), 'claim', 'slot', 'trouble')
redis.call('ZADD', key('deadlines'), now + given_up_after, id)
put('parked', id, now + tonumber(ARGV[3]))
return 1
