-- ARGV: id, image name, longest queue, deadline in ms from now, the last moment at which anybody waits
-- for the answer, idempotency key or '', fingerprint of what is asked for, ms that the key lives, then the
-- record's names and values.
-- Returns {'ok', id, record}; {'replayed', id, record} of the first job with this key and fingerprint;
-- {'other'} when the key was used for something else; {'full'}; or {'late'} when nobody waits any more: a
-- command that stood in the socket of a server that hung must not buy what its caller was told to be
-- refused. The same id again changes nothing.
local idempotency = key('idempotency:' .. ARGV[6])
local used = ARGV[6] ~= '' and redis.call('GET', idempotency)
if used then
  local fingerprint, first = used:match('^(%S+) (%S+)$')
  if fingerprint ~= ARGV[7] then return { 'other' } end
  local record = redis.call('HGETALL', job_key(first))
  if first ~= ARGV[1] and #record > 0 then return { 'replayed', first, record } end
end

local id, image, longest, deadline = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', job_key(id)) == 0 then
  local now = now_ms()
  if now > tonumber(ARGV[5]) then return { 'late' } end
  local waiting = 0
  for _, place in ipairs({ 'queued', 'delayed', 'dispatched' }) do
    waiting = waiting + redis.call('ZCARD', key(place))
  end
  if waiting >= longest then return { 'full' } end
  redis.call('HSET', job_key(id), 'status', 'queued', 'revision', 1, 'created', now,
    'deadline', now + deadline, unpack(ARGV, 9))
  redis.call('SET', key('image:' .. image), id)
  if ARGV[6] ~= '' then redis.call('SET', idempotency, ARGV[7] .. ' ' .. id, 'PX', ARGV[8]) end
  redis.call('ZADD', key('deadlines'), now + deadline, id)
  enqueue(id)
  redis.call('PUBLISH', key('events'), id .. ' 1 queued')
end
return { 'ok', id, redis.call('HGETALL', job_key(id)) }
