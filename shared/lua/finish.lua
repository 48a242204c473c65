-- ARGV: id, terminal status, claim or '', ms that the image is kept or 0, then names and values to store.
-- A success needs no claim (the image is paid for); any other end must hold the claim, or have none
-- on a job that nobody runs. Returns the revision, or 0 when refused.
local id, to, claim = ARGV[1], ARGV[2], ARGV[3]
-- Ends of a job whose last call may have been charged, when nobody knows what it cost.
local perhaps_charged = { outcome_unknown = true, provider_timeout = true, internal = true }
if to ~= 'succeeded' then
  local waits = redis.call('HGET', job_key(id), 'status') == 'queued' or redis.call('ZSCORE', key('parked'), id)
  if not holds(id, claim) and not (claim == '' and waits) then return 0 end
end
local now, ttl = now_ms(), tonumber(ARGV[4])
local revision = move(id, to, { 'finished', now, unpack(ARGV, 5) })
if not revision then return 0 end
if ttl > 0 then
  redis.call('HSET', job_key(id), 'expires', now + ttl)
  redis.call('ZADD', key('expiring'), now + ttl, id)
end
redis.call('HDEL', job_key(id), 'claim', 'sent', 'slot', 'trouble')
settle_reserved(id)
redis.call('ZREM', key('deadlines'), id)
local made = redis.call('HMGET', job_key(id), 'variant', 'provider_ms', 'result', 'credits', 'error_code', 'estimate')
if to == 'succeeded' and made[3] then
  local bytes = tonumber(cjson.decode(made[3]).bytes or 0)
  redis.call('HSET', job_key(id), 'stored', bytes)
  redis.call('INCRBY', key('stored_bytes'), bytes)
  count('storage_written_bytes', bytes)
end
if to == 'failed' and not made[4] and perhaps_charged[made[5]] then tally(made[6], 'credits_unknown', made[1]) end
if made[2] then
  observe(made[2], 'provider', made[1])
  -- what such a call takes, the latest counting most; an hour later nobody knows any more
  local recent = key('recent:' .. made[1])
  local usual = tonumber(redis.call('GET', recent) or made[2])
  redis.call('SET', recent, math.ceil(usual * 0.8 + made[2] * 0.2), 'PX', 3600000)
end
return revision
