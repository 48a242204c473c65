-- ARGV: subject, idempotency key or '', fingerprint of what is asked for, ms that the key lives.
-- Sends the webhook of what has ended once more, from the first try on. Returns 'ok'; 'replayed' when the
-- same was asked with this key before, 'other' when something else was; 'gone' without a record; 'refused' when there is nothing to
-- send.
local subject = ARGV[1]
if redis.call('EXISTS', key(subject)) == 0 then return 'gone' end
local idempotency = key('idempotency:' .. ARGV[2])
local used = ARGV[2] ~= '' and redis.call('GET', idempotency)
if used then
  return used == ARGV[3] .. ' ' .. subject and 'replayed' or 'other'
end
local found = redis.call('HMGET', key(subject), 'webhook', 'finished')
if not (found[1] and found[2]) then return 'refused' end
redis.call('DEL', key('delivery:' .. subject))
post(subject, now_ms())
if ARGV[2] ~= '' then redis.call('SET', idempotency, ARGV[3] .. ' ' .. subject, 'PX', ARGV[4]) end
return 'ok'
