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
return revision
