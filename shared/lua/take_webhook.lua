-- ARGV: claim, lease in ms, how many at most may be on their way to one receiver.
-- Takes a webhook that is due, of the receiver that has waited longest for its turn; returns {its subject,
-- how often it has failed}, or {} when none is due.
local claim, lease, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()

local function take(receiver)
  local waiting, sending = key('outbox:' .. receiver), key('sending:' .. receiver)
  -- whoever had it is gone: it is sent again
  for _, lost in ipairs(redis.call('ZRANGEBYSCORE', sending, '-inf', now)) do
    redis.call('ZREM', sending, lost)
    redis.call('ZADD', waiting, now, lost)
  end
  if redis.call('ZCARD', sending) >= most then return end
  local subject = redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, 1)[1]
  if not subject then return end
  redis.call('ZREM', waiting, subject)
  if redis.call('EXISTS', key(subject)) == 0 then return end -- nobody can tell any more what to send
  redis.call('ZADD', sending, now + lease, subject)
  redis.call('HSET', key('delivery:' .. subject), 'claim', claim)
  return subject
end

-- Behind all who wait since before, so that a receiver with a thousand webhooks has one turn like any other.
local function set_turn(receiver)
  local sending = key('sending:' .. receiver)
  local due = redis.call('ZRANGE', key('outbox:' .. receiver), 0, 0, 'WITHSCORES')[2]
  local ends = redis.call('ZRANGE', sending, 0, 0, 'WITHSCORES')[2]
  local turn = math.min(math.max(now, tonumber(due or math.huge)), tonumber(ends or math.huge))
  if redis.call('ZCARD', sending) >= most then turn = ends end
  if due or ends then
    redis.call('ZADD', key('outbox'), turn, receiver)
  else
    redis.call('ZREM', key('outbox'), receiver)
  end
end

for _, place in ipairs(redis.call('ZRANGEBYSCORE', key('outbox'), '-inf', now, 'LIMIT', 0, 100)) do
  local receiver = receiver_at(place)
  local subject = take(receiver)
  set_turn(receiver)
  if subject then
    return { subject, tonumber(redis.call('HGET', key('delivery:' .. subject), 'failures') or 0) }
  end
end
return {}
