-- ARGV: id (of the job, or of the batch that the jobs are), their owner, the limits as JSON, the last moment at
-- which anybody waits for the answer, idempotency key or '', fingerprint of what is asked for, ms that the key
-- lives, the jobs as JSON [[id, image name, deadline in ms from now, [name, value, …], estimate, kind], …], the batch's
-- record as JSON [name, value, …] or '', ms between two provider calls, ms to look ahead (both as for pick), how many jobs
-- of an owner may run (see free_of), '1' to start what can start, '1' to tell where the job stands. All jobs are
-- accepted, or none.
-- The limits are those of the service, and of this owner: {queued, credits, own_queued, own_credits}, each the
-- most jobs that may wait or thousandths of a credit that a day's jobs may cost, or left out.
-- Returns {'new', id, the moment of its acceptance, ids of the jobs that start now (see pick), where it stands (see
-- place_of) or nothing}; {'ok', id, record, and the same two} when this id was accepted before; {'replayed', id,
-- record} of the first with this key and fingerprint; {'other'} when the key was used for something else;
-- {'forgotten'} when it bought something of which there is no record any more, and would buy it again; {'full', whose
-- limit it is, how many may still come}; {'over', whose limit it is, what is left of the day's credits, what these
-- would cost, ms until the next day}; or {'late'} when nobody waits any more: a command that stood in the socket of a
-- server that hung must not buy what its caller was told to be refused. Whose limit: 'key' or 'service'. The same id
-- again changes nothing.
local entry, owner = ARGV[1], ARGV[2]
local entry_key = ARGV[9] ~= '' and batch_key or job_key
local idempotency = key('idempotency:' .. ARGV[5])
local used = ARGV[5] ~= '' and redis.call('GET', idempotency)
if used then
  local fingerprint, first = used:match('^(%S+) (%S+)$')
  if fingerprint ~= ARGV[6] then return { 'other' } end
  local record = redis.call('HGETALL', entry_key(first))
  if #record == 0 then return { 'forgotten' } end
  if first ~= entry then return { 'replayed', first, record } end
end

-- Returns the answer to who would be over a limit, or nothing.
local function refusal(now, waits, cost)
  local limits = cjson.decode(ARGV[3])
  local function full(whose, most, waiting)
    if waiting + waits > most then return { 'full', whose, math.max(0, most - waiting) } end
  end
  local refused = limits.own_queued and full('key', limits.own_queued, number_with(owner, 'queued'))
    or limits.queued and full('service', limits.queued, number_waiting())
  if refused then return refused end
  local budgets = { { 'key', owner, limits.own_credits }, { 'service', '', limits.credits } }
  for _, budget in ipairs(budgets) do
    local whose, of, most = unpack(budget)
    local left = most and most - spent(now, of)
    if left and cost > left then return { 'over', whose, math.max(0, left), cost, day_ms - now % day_ms } end
  end
end

local now, new = now_ms(), redis.call('EXISTS', entry_key(entry)) == 0
if new then
  if now > tonumber(ARGV[4]) then return { 'late' } end
  local jobs = cjson.decode(ARGV[8])
  local cost = 0
  for _, job in ipairs(jobs) do cost = cost + job[5] end
  local refused = refusal(now, #jobs, cost)
  if refused then return refused end
  local others = take_over()
  if others then return others end
  reserve(now, cost, owner)
  if owner ~= '' then redis.call('SADD', key('owners'), owner) end
  if ARGV[9] ~= '' then
    redis.call('HSET', batch_key(entry), 'revision', 1, 'created', now, 'queued', #jobs,
      unpack(cjson.decode(ARGV[9])))
  end
  -- what is new stands nowhere yet, and need not be taken from there
  local alone, batches = lanes(owner)
  local lane = ARGV[9] ~= '' and batches or alone
  for _, job in ipairs(jobs) do
    local id, image, deadline, record, _, kind = unpack(job)
    redis.call('HSET', job_key(id), 'status', 'queued', 'revision', 1, 'created', now,
      'deadline', now + deadline, unpack(record))
    redis.call('SET', key('image:' .. image), id)
    redis.call('ZADD', key('deadlines'), now + deadline, id)
    redis.call('ZADD', list_key(owner, kind, 'queued'), now, id)
    redis.call('ZADD', lane, now, id)
    tally(1, 'jobs_accepted', kind)
    redis.call('PUBLISH', key('events'), id .. ' 1 queued')
  end
  join_ring(owner)
  if ARGV[5] ~= '' then redis.call('SET', idempotency, ARGV[6] .. ' ' .. entry, 'PX', ARGV[7]) end
end
-- What was just accepted, or has waited before it, starts in the same step: a trip and a synced write less. When the
-- answer to that was lost, nobody has sent what started: of the entry's own it is told again, since its sender still
-- waits. If not, whatever started would wait for nothing until it is put back.
local function start()
  if now > tonumber(ARGV[4]) then return {} end
  local lost = {}
  for _, job in ipairs(new and {} or cjson.decode(ARGV[8])) do
    if redis.call('ZSCORE', key('dispatched'), job[1]) then lost[#lost + 1] = job[1] end
  end
  local started = pick(ARGV[10], tonumber(ARGV[11]), ARGV[12])
  for _, id in ipairs(lost) do started[#started + 1] = id end
  return started
end
local started = ARGV[13] == '1' and start() or {}
local place = ARGV[14] == '1' and place_of(entry, ARGV[10], ARGV[12]) or {}
-- of what is new nothing but the moment is news to who sent it, and reading a record takes long there
if new then return { 'new', entry, now, started, place } end
return { 'ok', entry, redis.call('HGETALL', entry_key(entry)), started, place }
