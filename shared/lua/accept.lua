-- ARGV: id, image name, longest queue, deadline in ms from now, the last moment at which anybody waits
-- for the answer, then the record's names and values.
-- Returns {'ok', record}, {'full'}, or {'late', now} when nobody waits any more: a command that stood in
-- the socket of a server that hung must not buy what its caller was told to be refused.
-- The same id again changes nothing.
local id, image, longest, deadline = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', job_key(id)) == 0 then
  local now = now_ms()
  if now > tonumber(ARGV[5]) then return { 'late', now } end
  local waiting = 0
  for _, place in ipairs({ 'queued', 'delayed', 'dispatched' }) do
    waiting = waiting + redis.call('ZCARD', key(place))
  end
  if waiting >= longest then return { 'full' } end
  redis.call('HSET', job_key(id), 'status', 'queued', 'revision', 1, 'created', now,
    'deadline', now + deadline, unpack(ARGV, 6))
  redis.call('SET', key('image:' .. image), id)
  redis.call('ZADD', key('deadlines'), now + deadline, id)
  enqueue(id)
  redis.call('PUBLISH', key('events'), id .. ' 1 queued')
end
return { 'ok', redis.call('HGETALL', job_key(id)) }
