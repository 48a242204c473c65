-- ARGV: id, ms between two provider calls. Returns {place in the queue, ms until the image is there, why nothing
-- is started now, what the operator says about that} of a queued job, each '' when it can't be told.
local id, interval = ARGV[1], spaced(ARGV[2])
local now = now_ms()

local reason = redis.call('HGET', halt, 'reason')
local workers, capacity = redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf'), 0
for _, worker in ipairs(workers) do
  capacity = capacity + (redis.call('HGET', key('workers:capacity'), worker) or 0)
end

local function holdup()
  if reason then return 'paused' end
  local state, why = breaker_state()
  if state then return why end
  if #workers > 0 and capacity == 0 then return 'storage_error' end
  return paused_until(now) > now and 'rate_limited' or ''
end

-- How many are before it: those that were sent, and of the other lane those whose turns come first.
local function before()
  local rank = redis.call('ZRANK', key('dispatched'), id)
  if rank then return rank end
  local sent = redis.call('ZCARD', key('dispatched'))
  rank = redis.call('ZRANK', key('queued'), id)
  if rank then return sent + rank + math.min(redis.call('ZCARD', key('queued_batch')), math.floor(rank / 9)) end
  rank = redis.call('ZRANK', key('queued_batch'), id)
  return rank and sent + rank + math.min(redis.call('ZCARD', key('queued')), 9 * (rank + 1))
end

local held, rank = holdup(), before()
if not rank then return { '', '', held, reason or '' } end -- it pauses before its next try
local position = rank + 1

-- how long such a call took lately; what went wrong before may go wrong again, and then nobody knows
local variant, trouble = unpack(redis.call('HMGET', job_key(id), 'variant', 'trouble'))
local usual = tonumber(redis.call('GET', key('recent:' .. variant)) or 0)
local stopped = held ~= '' and held ~= 'rate_limited'
if capacity == 0 or usual == 0 or trouble or stopped then
  return { tostring(position), '', held, reason or '' }
end
local free = math.max(0, capacity - redis.call('ZCARD', key('running')))
local turns = math.max(0, position - free)
local slot = math.max(next_slot(now, interval), paused_until(now)) - now
local wait = math.max(slot + rank * interval, turns * usual / capacity)
return { tostring(position), tostring(math.ceil(wait + usual)), held, '' }
