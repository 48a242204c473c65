-- Stands before the scripts that tell where a queued job stands.

-- Returns {place in the queue, ms until the image is there, why it is not started now, what the operator says about
-- that} of a queued job, each '' when it can't be told. `pace` and `running` as for pick.
local function place_of(id, pace, running)
  local interval = spaced(pace)
  local now = now_ms()
  local owner, most = owner_of(id), decoded(running)
  local alone, batches = lanes(owner)

  local reason = redis.call('HGET', halt, 'reason')
  local workers, capacity = redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf'), 0
  for _, worker in ipairs(workers) do
    capacity = capacity + (redis.call('HGET', key('workers:capacity'), worker) or 0)
  end

  local function holdup()
    if reason then return 'paused' end
    local state, why = breaker_state()
    if state then return why end
    if #workers > 0 and capacity == 0 then
      return redis.call('HGET', key('workers:trouble'), workers[1]) or 'storage_error'
    end
    return paused_until(now) > now and 'rate_limited' or ''
  end

  -- How many turns its owner has before it: of the other lane count those whose turns come first.
  local function own_turns()
    -- so many turns of the interactive lane before the next of a batch
    local singles = 9 - (redis.call('HGET', key('batch_turns'), owner) or 0)
    local rank = redis.call('ZRANK', alone, id)
    if rank then
      return rank + math.min(redis.call('ZCARD', batches), math.max(0, math.floor((rank - singles) / 9) + 1))
    end
    rank = redis.call('ZRANK', batches, id)
    return rank and rank + math.min(redis.call('ZCARD', alone), singles + 9 * rank)
  end

  -- How many turns others have before that: one for each of its owner's own and, who stands before it in the
  -- ring, one more; as many as they have jobs, and as far as their limits let them.
  local function others_turns(own)
    local ours, turns = tonumber(redis.call('ZSCORE', ring, owner) or math.huge), 0
    local members = redis.call('ZRANGE', ring, 0, -1, 'WITHSCORES')
    for n = 1, #members, 2 do
      if members[n] ~= owner then
        local theirs, in_batches = lanes(members[n])
        local jobs = redis.call('ZCARD', theirs) + redis.call('ZCARD', in_batches)
        local chances = own + (tonumber(members[n + 1]) < ours and 1 or 0)
        turns = turns + math.min(jobs, chances, free_of(members[n], most))
      end
    end
    return turns
  end

  -- How many are before it, and whether its owner's limit keeps it back.
  local function before()
    local rank = redis.call('ZRANK', key('dispatched'), id)
    if rank then return rank, false end
    local own = own_turns()
    if not own then return end
    return redis.call('ZCARD', key('dispatched')) + own + others_turns(own), own >= free_of(owner, most)
  end

  local held = holdup()
  local rank, kept = before()
  if kept and held == '' then held = 'key_running' end
  if not rank then return { '', '', held, reason or '' } end -- it pauses before its next try
  local position = rank + 1

  -- how long such a call took lately; what went wrong before may go wrong again, and then nobody knows
  local variant, trouble = unpack(redis.call('HMGET', job_key(id), 'variant', 'trouble'))
  local usual = tonumber(redis.call('GET', key('recent:' .. variant)) or 0)
  local stopped = held ~= '' and held ~= 'rate_limited'
  if capacity == 0 or usual == 0 or trouble or stopped then
    return { tostring(position), '', held, reason or '' }
  end
  local free = math.max(0, capacity - redis.call('ZCARD', key('running')) - redis.call('ZCARD', key('ending')))
  local turns = math.max(0, position - free)
  local slot = math.max(next_slot(now, interval), paused_until(now)) - now
  local wait = math.max(slot + rank * interval, turns * usual / capacity)
  return { tostring(position), tostring(math.ceil(wait + usual)), held, '' }
end
