-- ARGV: subject. Returns {how its delivery has ended or '', the moment of its next try or '', its tries}, the
-- latest first; or nothing when there is no such record.
if redis.call('EXISTS', key(ARGV[1])) == 0 then return {} end
local receiver = receiver_of(ARGV[1])
local due = receiver and redis.call('ZSCORE', key('outbox:' .. receiver), ARGV[1])
return {
  redis.call('HGET', key('delivery:' .. ARGV[1]), 'status') or '',
  due or '',
  redis.call('LRANGE', key('tries:' .. ARGV[1]), 0, -1),
}
