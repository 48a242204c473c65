-- Stands before the scripts after which jobs may start: which ones those are.

-- Picks the next jobs, as many as free workers and the coming slots can take; returns their ids, and each must then
-- be sent to a worker. `pace` is the ms between two provider calls, `ahead` how many ms to look ahead, `running` how
-- many jobs of an owner may run (see free_of). Those that are paid for and whose results can be asked for come first,
-- and take half when others wait. Of these the turn goes from owner to owner; who has as many jobs running as it may
-- is passed over, and keeps its place. An owner's own turn goes to what was submitted alone; of ten turns that both
-- lanes want one is a batch's, so that no lane starves.
local function pick(pace, ahead, running)
  local interval = spaced(pace)
  local batch_turn = 10
  local overdue_pause, longest_look = 10000, 200
  local now = now_ms()

  local dues = { { '-inf', now }, { now + longest_pause, '+inf' } }
  for _, due in ipairs(dues) do
    local ids = redis.call('ZRANGEBYSCORE', key('delayed'), due[1], due[2], 'LIMIT', 0, 500)
    for _, id in ipairs(ids) do enqueue(id) end
  end
  -- what an earlier release has queued stands in the open caller's lanes, and that has no ring
  if redis.call('EXISTS', lanes('')) > 0 then join_ring('') end
  local paused = paused_until(now)
  if paused > now + ahead then return {} end

  local dispatched = redis.call('ZCARD', key('dispatched')) + redis.call('ZCARD', key('resuming'))
  local idle = -dispatched - redis.call('ZCARD', key('running')) - redis.call('ZCARD', key('ending'))
  for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
    idle = idle + (redis.call('HGET', key('workers:capacity'), worker) or 0)
  end
  local first = math.max(next_slot(now, interval), paused)
  local slots = math.floor((now + ahead - first) / interval) + 1 - dispatched
  local room = math.min(idle, slots)
  if room <= 0 then return {} end

  local state, why, trial = breaker_state()
  local ids = {}
  local function take(id, place)
    put(place, id, now)
    ids[#ids + 1] = id
  end

  -- How many of those that are still to be bought may begin.
  local function may_begin()
    if halted() then return 0 end
    if state == 'half_open' then return under_way(trial) and 0 or 1 end
    return state and 0 or room
  end

  local function ask(most)
    if why == 'provider_auth' and state ~= 'half_open' then return end
    for _, due in ipairs(dues) do
      local ripe = redis.call('ZRANGEBYSCORE', key('parked'), due[1], due[2], 'LIMIT', 0, most)
      for _, id in ipairs(ripe) do take(id, 'resuming') end
      most = most - #ripe
    end
  end

  -- Of two slots that both want one is for asking: else a key with a few hundred jobs that cook, each asked for
  -- every 10 s, would take all there are. An odd one goes to the one and to the other in turn.
  local begins, odd = may_begin(), room % 2
  local half, kept, turn = (room - odd) / 2, 0, number_at('asked')
  local contended = begins > 0 and redis.call('EXISTS', ring) == 1
  if contended then kept = math.min(begins, half + odd * turn) end
  ask(room - kept)
  if contended and odd == 1 then
    if #ids > half then
      redis.call('SET', key('asked'), 1)
    elseif turn == 1 then
      redis.call('DEL', key('asked'))
    end
  end

  -- What stands first in a lane and may start. An earlier release that ran in between may have ended what stands
  -- there. What is past its deadline would be refused to every worker, and would keep the place of one until it is
  -- put back: it waits aside for the sweeper, which ends it. Not too many are moved at once: everybody waits
  -- for this script.
  local function first_of(lane)
    for _ = 1, longest_look do
      local id = redis.call('ZRANGE', lane, 0, 0)[1]
      if not id then return end
      local status, deadline = unpack(redis.call('HMGET', job_key(id), 'status', 'deadline'))
      if status == 'queued' and now < tonumber(deadline) then return id end
      redis.call('ZREM', lane, id)
      if status == 'queued' then redis.call('ZADD', key('delayed'), now + overdue_pause, id) end
    end
  end

  local function next_job(owner)
    local alone, batches = lanes(owner)
    local single, batch = first_of(alone), first_of(batches)
    if not (single and batch) then return single or batch end
    -- turns are counted while both lanes want them
    local turn = ((redis.call('HGET', key('batch_turns'), owner) or 0) + 1) % batch_turn
    redis.call('HSET', key('batch_turns'), owner, turn)
    return turn == 0 and batch or single
  end

  local most, free = decoded(running), {}
  local turns = redis.call('ZRANGE', ring, 0, -1)
  local n, wanted = 1, math.min(begins, room - #ids)
  while wanted > 0 and turns[n] do
    local owner = turns[n]
    free[owner] = free[owner] or free_of(owner, most)
    local id = free[owner] > 0 and next_job(owner)
    if id == nil and redis.call('EXISTS', lanes(owner)) == 0 then
      redis.call('ZREM', ring, owner)
      redis.call('HDEL', key('batch_turns'), owner)
    end
    if id then
      take(id, 'dispatched')
      if state then redis.call('HSET', breaker, 'trial', ids[#ids]) end
      free[owner], wanted = free[owner] - 1, wanted - 1
      if redis.call('ZSCORE', ring, owner) then -- it has more
        to_the_end(owner)
        turns[#turns + 1] = owner
      end
    end
    n = n + 1
  end
  -- what nobody could begin with
  ask(room - #ids)
  return ids
end
