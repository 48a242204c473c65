-- ARGV: id, terminal status, claim or '', then names and values to store.
-- A success needs no claim (the image is paid for); any other end must hold the claim, or have none
-- on a job that nobody runs. Returns the revision, or 0 when refused.
local id, to, claim = ARGV[1], ARGV[2], ARGV[3]
if to ~= 'succeeded' then
  local queued = redis.call('HGET', job_key(id), 'status') == 'queued'
  if not holds(id, claim) and not (claim == '' and queued) then return 0 end
end
local fields = { 'finished', now_ms(), unpack(ARGV, 4) }
local revision = move(id, to, fields)
if not revision then return 0 end
redis.call('HDEL', job_key(id), 'claim', 'sent', 'slot', 'trouble')
redis.call('ZREM', key('deadlines'), id)
local made = redis.call('HMGET', job_key(id), 'variant', 'provider_ms')
if made[2] then
  -- what such a call takes, the latest counting most; an hour later nobody knows any more
  local recent = key('recent:' .. made[1])
  local usual = tonumber(redis.call('GET', recent) or made[2])
  redis.call('SET', recent, math.ceil(usual * 0.8 + made[2] * 0.2), 'PX', 3600000)
end
return revision
