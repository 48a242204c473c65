-- ARGV: id (of the job, or of the batch that the jobs are), longest queue, the last moment at which
-- anybody waits for the answer, idempotency key or '', fingerprint of what is asked for, ms that the key
-- lives, the jobs as JSON [[id, image name, deadline in ms from now, [name, value, …], estimate], …], the batch's
-- record as JSON [name, value, …] or '', and how many thousandths of a credit a day's jobs may cost or ''.
-- All jobs are accepted, or none.
-- Returns {'ok', id, record}; {'replayed', id, record} of the first with this key and fingerprint;
-- {'other'} when the key was used for something else; {'full'}; {'over', what is left of the day's
-- credits, what these would cost, ms until the next day}; or {'late'} when nobody waits any more: a
-- command that stood in the socket of a server that hung must not buy what its caller was told to be
-- refused. The same id again changes nothing.
local entry = ARGV[1]
local entry_key = ARGV[8] ~= '' and batch_key or job_key
local idempotency = key('idempotency:' .. ARGV[4])
local used = ARGV[4] ~= '' and redis.call('GET', idempotency)
if used then
  local fingerprint, first = used:match('^(%S+) (%S+)$')
  if fingerprint ~= ARGV[5] then return { 'other' } end
  local record = redis.call('HGETALL', entry_key(first))
  if first ~= entry and #record > 0 then return { 'replayed', first, record } end
end

if redis.call('EXISTS', entry_key(entry)) == 0 then
  local now = now_ms()
  if now > tonumber(ARGV[3]) then return { 'late' } end
  local jobs = cjson.decode(ARGV[7])
  local waiting = 0
  for _, place in ipairs({ 'queued', 'queued_batch', 'delayed', 'dispatched' }) do
    waiting = waiting + redis.call('ZCARD', key(place))
  end
  if waiting + #jobs > tonumber(ARGV[2]) then return { 'full' } end
  local cost = 0
  for _, job in ipairs(jobs) do cost = cost + job[5] end
  local left = (tonumber(ARGV[9]) or math.huge) - tonumber(redis.call('GET', spent_key(now)) or 0)
  if cost > left then return { 'over', math.max(0, left), cost, day_ms - now % day_ms } end
  reserve(now, cost)
  if ARGV[8] ~= '' then
    redis.call('HSET', batch_key(entry), 'revision', 1, 'created', now, 'queued', #jobs,
      unpack(cjson.decode(ARGV[8])))
  end
  for _, job in ipairs(jobs) do
    local id, image, deadline, record = unpack(job)
    redis.call('HSET', job_key(id), 'status', 'queued', 'revision', 1, 'created', now,
      'deadline', now + deadline, unpack(record))
    redis.call('SET', key('image:' .. image), id)
    redis.call('ZADD', key('deadlines'), now + deadline, id)
    redis.call('ZADD', list_key(redis.call('HGET', job_key(id), 'kind'), 'queued'), now, id)
    enqueue(id)
    redis.call('PUBLISH', key('events'), id .. ' 1 queued')
  end
  if ARGV[4] ~= '' then redis.call('SET', idempotency, ARGV[5] .. ' ' .. entry, 'PX', ARGV[6]) end
end
return { 'ok', entry, redis.call('HGETALL', entry_key(entry)) }
