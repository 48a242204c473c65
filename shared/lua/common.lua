-- Stands before every script: the clock, the allowed moves, and the one way a job changes its state.
local prefix = KEYS[1]

local function key(name) return prefix .. name end
local function job_key(id) return prefix .. 'job:' .. id end
local function batch_key(id) return prefix .. 'batch:' .. id end

-- What belongs to one owner bears its name. The open caller's bears none: so what was stored before there were
-- owners is the open caller's.
local function of_owner(name, owner) return key(owner == '' and name or name .. ':' .. owner) end

-- Every job stands in one list, by its owner, kind and status, with the moment of its making.
local kinds = { 'generate', 'upscale' }
local function list_key(owner, kind, status) return of_owner('list', owner) .. ':' .. kind .. ':' .. status end

-- How many jobs of an owner have a status.
local function number_with(owner, status)
  local number = 0
  for _, kind in ipairs(kinds) do number = number + redis.call('ZCARD', list_key(owner, kind, status)) end
  return number
end

-- Milliseconds since the epoch by the store's clock, the only clock that counts.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Redis that is full refuses what a script writes first, unless that removes something. What must be told even then, and
-- takes next to no room, begins with this.
local function even_when_full() redis.call('DEL', key('nothing')) end

local function number_at(name) return tonumber(redis.call('GET', key(name)) or 0) end

-- A queued job may succeed: a whole image of any attempt finishes a job that has not ended.
local allowed = {
  queued = { running = true, succeeded = true, failed = true, canceled = true },
  running = { queued = true, succeeded = true, failed = true, canceled = true },
}

-- Where a job is besides its record: it stands in exactly one of these, or in a lane of its owner's, until it
-- ends. What cooks at the provider is running by its status: it is parked until its result is asked for,
-- resuming when a message for that is on its way.
local places = { 'delayed', 'dispatched', 'running', 'parked', 'resuming' }

-- What waits for its turn stands in a lane of its owner's: one is for jobs of batches, the other for all
-- others, for which somebody is likely to wait. Who has something there stands in the ring, by the order of
-- turns.
local ring = key('ring')
local function lanes(owner) return of_owner('queued', owner), of_owner('queued_batch', owner) end

local function owner_of(id) return redis.call('HGET', job_key(id), 'owner') or '' end

-- Puts an owner behind all others.
local function to_the_end(owner)
  local last = redis.call('ZREVRANGE', ring, 0, 0, 'WITHSCORES')[2]
  redis.call('ZADD', ring, (last or 0) + 1, owner)
end

local function join_ring(owner)
  if not redis.call('ZSCORE', ring, owner) then to_the_end(owner) end
end

-- How many jobs wait: for their turn, for the end of a pause, or for a worker.
local function number_waiting()
  local number = redis.call('ZCARD', key('delayed')) + redis.call('ZCARD', key('dispatched'))
  local owners = redis.call('ZRANGE', ring, 0, -1)
  -- what an earlier release has queued stands in the open caller's lanes, and that has no ring
  if not redis.call('ZSCORE', ring, '') then owners[#owners + 1] = '' end
  for _, owner in ipairs(owners) do
    local alone, batches = lanes(owner)
    number = number + redis.call('ZCARD', alone) + redis.call('ZCARD', batches)
  end
  return number
end

local function leave(id, owner)
  for _, place in ipairs(places) do redis.call('ZREM', key(place), id) end
  redis.call('SREM', of_owner('sent', owner), id)
  local alone, batch = lanes(owner)
  local left = redis.call('ZREM', alone, id) + redis.call('ZREM', batch, id)
  if left > 0 and redis.call('EXISTS', alone, batch) == 0 then
    redis.call('ZREM', ring, owner)
    redis.call('HDEL', key('batch_turns'), owner)
  end
end

local function put(place, id, score)
  local owner = owner_of(id)
  leave(id, owner)
  redis.call('ZADD', key(place), score, id)
  if place == 'dispatched' then redis.call('SADD', of_owner('sent', owner), id) end
end

-- A job that comes back takes its old place in its lane.
local function enqueue(id)
  local created, batch, owner = unpack(redis.call('HMGET', job_key(id), 'created', 'batch', 'owner'))
  leave(id, owner or '')
  local alone, batches = lanes(owner or '')
  redis.call('ZADD', batch and batches or alone, created, id)
  join_ring(owner or '')
end

-- A job that was canceled in the middle of its call still holds its worker's thread: until the call has ended
-- it stands in 'ending', by the end of its worker's lease, and in a set of its owner's.
local function begin_ending(id, lease)
  redis.call('ZADD', key('ending'), lease, id)
  redis.call('SADD', of_owner('own_ending', owner_of(id)), id)
end

local function call_ended(id)
  redis.call('ZREM', key('ending'), id)
  redis.call('SREM', of_owner('own_ending', owner_of(id)), id)
end

-- How many more jobs of an owner may run: `most` has the numbers by owner, and '*' for who is not named; below
-- 0, or none, is no limit. What was sent to a worker counts as running, and so does what was canceled while its
-- call goes on: by the size of the sets themselves, so that no number can be left behind.
local function free_of(owner, most)
  local limit = most[owner] or most['*']
  if not limit or limit < 0 then return math.huge end
  local sent, ending = of_owner('sent', owner), of_owner('own_ending', owner)
  local taken = number_with(owner, 'running') + redis.call('SCARD', sent) + redis.call('SCARD', ending)
  return math.max(0, limit - taken)
end

local function decoded(limits) return limits ~= '' and cjson.decode(limits) or {} end

-- What the jobs accepted on a day (UTC, by the moment `ms`) may cost, in thousandths of a credit: what each is
-- expected to cost from its acceptance on, what it did cost from its end on. Only of days that still count.
-- It is counted for all ('') and for each owner.
local day_ms = 86400000
local function spent_key(ms, owner) return of_owner('spent', owner) .. ':' .. math.floor(ms / day_ms) end

local function spent(ms, owner) return tonumber(redis.call('GET', spent_key(ms, owner)) or 0) end

local function spent_keys(ms, owner)
  if owner == '' then return { spent_key(ms, '') } end
  return { spent_key(ms, ''), spent_key(ms, owner) }
end

local function reserve(ms, credits, owner)
  for _, day in ipairs(spent_keys(ms, owner)) do
    redis.call('INCRBY', day, credits)
    redis.call('PEXPIRE', day, 3 * day_ms)
  end
end

-- Corrects what the day of a job has cost, by so much.
local function correct(id, credits)
  if credits == 0 then return end
  local created, owner = unpack(redis.call('HMGET', job_key(id), 'created', 'owner'))
  for _, day in ipairs(spent_keys(tonumber(created), owner or '')) do
    if redis.call('EXISTS', day) == 1 then redis.call('INCRBY', day, credits) end
  end
end

-- Puts what a job has cost, once that is known, in the place of what it was expected to cost. A job learns it once.
local function settle_reserved(id)
  local estimate, credits, variant = unpack(redis.call('HMGET', job_key(id), 'estimate', 'credits', 'variant'))
  if not credits then return end
  correct(id, credits - estimate)
  tally(credits, 'credits', variant)
end

-- Raises the revision of a record (a job's or a batch's) and tells whoever watches it; returns the revision.
local function revised(record, id, word)
  local revision = redis.call('HINCRBY', record, 'revision', 1)
  redis.call('PUBLISH', key('events'), id .. ' ' .. revision .. ' ' .. word)
  return revision
end

-- What a job that has ended still learns is told of its batch too, whose answer has it.
local function revised_after_end(id, status)
  local batch = redis.call('HGET', job_key(id), 'batch')
  if batch then revised(batch_key(batch), batch, 'changed') end
  return revised(job_key(id), id, status)
end

-- A receiver is looked at by then. Too early does no harm: whoever looks finds the right moment.
local function turn_by(receiver, moment) redis.call('ZADD', key('outbox'), 'LT', moment, receiver) end

-- Returns the receiver at a place (host and port): its host alone, else one that hangs at many ports is many.
-- What an earlier release kept by the place is its receiver's from then on.
local function receiver_at(place)
  local receiver = place:gsub('%.?:%d*$', ''):gsub('%.$', '')
  if receiver == place then return receiver end
  for _, name in ipairs({ 'outbox:', 'sending:' }) do
    local former, now_at = key(name .. place), key(name .. receiver)
    if redis.call('EXISTS', former) == 1 then
      redis.call('ZUNIONSTORE', now_at, 2, now_at, former, 'AGGREGATE', 'MIN')
      redis.call('DEL', former)
    end
  end
  local turn = redis.call('ZSCORE', key('outbox'), place)
  if turn then
    redis.call('ZREM', key('outbox'), place)
    turn_by(receiver, turn)
  end
  return receiver
end

-- Webhooks wait by their receivers, so that one that hangs keeps nobody else's back: 'outbox' holds the
-- receivers by their next turn, 'outbox:<receiver>' what waits for it by the moment it is due, and
-- 'sending:<receiver>' what is on its way by the end of its lease. What is in there is called as its record
-- is: 'job:<id>' or 'batch:<id>'.
local function receiver_of(subject)
  local url = redis.call('HGET', key(subject), 'webhook')
  return url and receiver_at(url:match('^%w+://([^/?#]+)'):lower())
end

-- Puts a webhook into the outbox, whatever it did before; does nothing without a receiver.
local function post(subject, due)
  local receiver = receiver_of(subject)
  if not receiver then return end
  redis.call('ZREM', key('sending:' .. receiver), subject)
  redis.call('ZADD', key('outbox:' .. receiver), due, subject)
  turn_by(receiver, due)
end

-- A batch counts its jobs by status, and is finished when none is open.
local function count_in_batch(id, from, to)
  local batch = batch_key(id)
  redis.call('HINCRBY', batch, from, -1)
  redis.call('HINCRBY', batch, to, 1)
  local open = redis.call('HMGET', batch, 'queued', 'running')
  local ended = tonumber(open[1] or 0) + tonumber(open[2] or 0) == 0
  if ended then
    redis.call('HSET', batch, 'finished', now_ms())
    post('batch:' .. id, now_ms())
  end
  revised(batch, id, ended and 'finished' or 'running')
end

local function count_end(id, kind, status, created)
  tally(1, 'jobs_ended', kind, status, redis.call('HGET', job_key(id), 'error_code') or '')
  observe(now_ms() - created, 'job', kind, status)
end

-- Returns the new revision, or false when the move is impossible and nothing was changed.
local function move(id, to, fields)
  local from, kind, created, batch, owner = unpack(redis.call('HMGET', job_key(id), 'status', 'kind',
    'created', 'batch', 'owner'))
  if not (from and allowed[from] and allowed[from][to]) then return false end
  owner = owner or ''
  leave(id, owner)
  redis.call('HSET', job_key(id), 'status', to, unpack(fields))
  redis.call('ZREM', list_key(owner, kind, from), id)
  redis.call('ZADD', list_key(owner, kind, to), created, id)
  if not allowed[to] then
    post('job:' .. id, now_ms())
    count_end(id, kind, to, created)
  end
  if batch then count_in_batch(batch, from, to) end
  return revised(job_key(id), id, to)
end

local function holds(id, claim)
  local found = redis.call('HMGET', job_key(id), 'status', 'claim')
  return found[1] == 'running' and found[2] == claim
end
