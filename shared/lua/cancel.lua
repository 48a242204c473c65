-- ARGV: ids. Ends those that have not ended, whoever runs them; returns how many.
-- The claim stays: whose call is under way may still tell by it what the call cost, and
-- until then it takes a place among what runs.
local canceled = 0
for _, id in ipairs(ARGV) do
  local sent, unknown, provider_id, estimate = unpack(redis.call('HMGET', job_key(id), 'sent', 'unknown',
    'provider_id', 'estimate'))
  local fields = { 'finished', now_ms() }
  if provider_id then
    fields[3], fields[4] = 'credits', estimate -- it cooks at the provider, who takes its price at the start
  elseif not sent and tonumber(unknown or 0) == 0 then
    fields[3], fields[4] = 'credits', 0
  end -- else nobody knows yet: it is told later, or never
  local lease = sent and redis.call('ZSCORE', key('running'), id)
  if move(id, 'canceled', fields) then
    canceled = canceled + 1
    if lease then begin_ending(id, lease) end
    redis.call('HDEL', job_key(id), 'sent', 'slot', 'trouble')
    settle_reserved(id)
    redis.call('ZREM', key('deadlines'), id)
  end
end
return canceled
