-- ARGV: id, image name, longest queue, deadline in ms from now, then the record's names and values.
-- Returns the record, or nothing when the queue is full. The same id again changes nothing.
local id, image, longest, deadline = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('EXISTS', job_key(id)) == 0 then
  local waiting = 0
  for _, place in ipairs({ 'queued', 'delayed', 'dispatched' }) do
    waiting = waiting + redis.call('ZCARD', key(place))
  end
  if waiting >= longest then return {} end
  local now = now_ms()
  redis.call('HSET', job_key(id), 'status', 'queued', 'revision', 1, 'created', now,
    'deadline', now + deadline, unpack(ARGV, 5))
  redis.call('SET', key('image:' .. image), id)
  redis.call('ZADD', key('deadlines'), now + deadline, id)
  enqueue(id)
  redis.call('PUBLISH', key('events'), id .. ' 1 queued')
end
return redis.call('HGETALL', job_key(id))
