-- Stands before every script: the clock, the allowed moves, and the one way a job changes its state.
local prefix = KEYS[1]

local function key(name) return prefix .. name end
local function job_key(id) return prefix .. 'job:' .. id end
local function batch_key(id) return prefix .. 'batch:' .. id end
-- Every job stands in one list, by its kind and status, with the moment of its making.
local function list_key(kind, status) return key('list:' .. kind .. ':' .. status) end

-- Milliseconds since the epoch by the store's clock, the only clock that counts.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- What is counted for the whole service, over all processes and restarts (see JobIndex.counts).
local function count(name, by) redis.call('HINCRBY', key('counts'), name, by or 1) end

local function number_at(name) return tonumber(redis.call('GET', key(name)) or 0) end

-- A queued job may succeed: a whole image of any attempt finishes a job that has not ended.
local allowed = {
  queued = { running = true, succeeded = true, failed = true, canceled = true },
  running = { queued = true, succeeded = true, failed = true, canceled = true },
}

-- Where a job is besides its record: it stands in exactly one of these until it ends. What cooks at the
-- provider is running by its status: it is parked until its result is asked for, resuming when a message
-- for that is on its way.
local places = { 'queued', 'queued_batch', 'delayed', 'dispatched', 'running', 'parked', 'resuming' }

local function put(place, id, score)
  for _, other in ipairs(places) do redis.call('ZREM', key(other), id) end
  redis.call('ZADD', key(place), score, id)
end

-- The queue has two lanes: jobs of batches, and all others, for which somebody is likely to wait. A job that
-- comes back takes its old place in its lane.
local function enqueue(id)
  local created, batch = unpack(redis.call('HMGET', job_key(id), 'created', 'batch'))
  put(batch and 'queued_batch' or 'queued', id, created)
end

-- What the jobs accepted on a day (UTC, by the moment `ms`) may cost, in thousandths of a credit: what each is
-- expected to cost from its acceptance on, what it did cost from its end on. Only of days that still count.
local day_ms = 86400000
local function spent_key(ms) return key('spent:' .. math.floor(ms / day_ms)) end

local function reserve(ms, credits)
  redis.call('INCRBY', spent_key(ms), credits)
  redis.call('PEXPIRE', spent_key(ms), 3 * day_ms)
end

local function correct(ms, credits)
  if credits ~= 0 and redis.call('EXISTS', spent_key(ms)) == 1 then
    redis.call('INCRBY', spent_key(ms), credits)
  end
end

-- Puts what a job has cost, once that is known, in the place of what it was expected to cost.
local function settle_reserved(id)
  local created, estimate, credits = unpack(redis.call('HMGET', job_key(id), 'created', 'estimate', 'credits'))
  if credits then correct(tonumber(created), credits - estimate) end
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

-- Webhooks wait by their receivers (host and port), so that one that hangs keeps nobody else's back: 'outbox'
-- holds the receivers by their next turn, 'outbox:<receiver>' what waits for it by the moment it is due, and
-- 'sending:<receiver>' what is on its way by the end of its lease. What is in there is called as its record
-- is: 'job:<id>' or 'batch:<id>'.
local function receiver_of(subject)
  local url = redis.call('HGET', key(subject), 'webhook')
  return url and url:match('^%w+://([^/?#]+)'):lower()
end

-- A receiver is looked at by then. Too early does no harm: whoever looks finds the right moment.
local function turn_by(receiver, moment) redis.call('ZADD', key('outbox'), 'LT', moment, receiver) end

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

-- Returns the new revision, or false when the move is impossible and nothing was changed.
local function move(id, to, fields)
  local from, kind, created, batch = unpack(redis.call('HMGET', job_key(id), 'status', 'kind', 'created',
    'batch'))
  if not (from and allowed[from] and allowed[from][to]) then return false end
  for _, place in ipairs(places) do redis.call('ZREM', key(place), id) end
  redis.call('HSET', job_key(id), 'status', to, unpack(fields))
  redis.call('ZREM', list_key(kind, from), id)
  redis.call('ZADD', list_key(kind, to), created, id)
  if not allowed[to] then post('job:' .. id, now_ms()) end
  if batch then count_in_batch(batch, from, to) end
  return revised(job_key(id), id, to)
end

local function holds(id, claim)
  local found = redis.call('HMGET', job_key(id), 'status', 'claim')
  return found[1] == 'running' and found[2] == claim
end
