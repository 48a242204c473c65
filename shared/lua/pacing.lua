-- Stands before every script, behind common.lua: when the provider may be called.

-- No legitimate moment lies further ahead: the longest lock-out, the longest wait for a slot. What does
-- was written before the clock went back, and is taken as past.
local longest_pause, longest_slot = 3660000, 60000

local function paused_until(now)
  local moment = number_at('pace:paused_until')
  return moment > now + longest_pause and now or moment
end

-- The ms between two calls: wider for a while after the provider's limit was met.
local function spaced(interval) return tonumber(interval) + number_at('pace:widened') end

local function next_slot(now, interval)
  local moment = number_at('pace:next')
  return moment > now + longest_slot + interval and now or math.max(now, moment)
end

-- The moments of the calls that were let go in the last window, the oldest first; nothing else is exact. The pace
-- keeps them fewer than the limit.
local taken_slots = key('pace:slots')
local function forget_slots(now, window)
  local first = tonumber(redis.call('LINDEX', taken_slots, 0))
  -- what lies ahead was written before the clock went back
  while first and (first <= now - window or first > now) do
    redis.call('LPOP', taken_slots)
    first = tonumber(redis.call('LINDEX', taken_slots, 0))
  end
end

local function note_slot(now, window)
  forget_slots(now, window)
  redis.call('RPUSH', taken_slots, now)
  redis.call('PEXPIRE', taken_slots, window)
  count('provider_slots')
end

-- The breaker stands between jobs and a provider that is down or refuses us. Closed, it counts failures in a
-- row; open, no job is started and the free balance call probes; half open, one job goes first.
local breaker = key('breaker')
local failures_to_open = 5

local function breaker_state() return unpack(redis.call('HMGET', breaker, 'state', 'why', 'trial')) end

-- Whether the job that goes first is on its way; if not, another may.
local function under_way(id)
  return id and (redis.call('ZSCORE', key('dispatched'), id) or redis.call('ZSCORE', key('running'), id))
end

-- Probes come after 2, 4, 8 and then every 15 s.
local function probe_pause(probes) return math.min(2000 * 2 ^ math.min(probes, 3), 15000) end

local function open_breaker(why, now)
  local probes = tonumber(redis.call('HGET', breaker, 'probes') or 0)
  redis.call('HSETNX', breaker, 'since', now)
  redis.call('HSET', breaker, 'state', 'open', 'why', why, 'probes', probes + 1,
    'probe_at', now + probe_pause(probes))
  redis.call('HDEL', breaker, 'trial', 'failures', 'first', 'sure', 'prober')
end

-- The operator's pause: nothing is bought as long as it lasts. What was bought is still asked for, which is
-- free: the provider keeps it for a day only.
local halt = key('halt')
local function halted() return redis.call('EXISTS', halt) == 1 end
