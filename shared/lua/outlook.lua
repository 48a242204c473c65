-- ARGV: id, ms between two provider calls. Returns {place in the queue, ms until the image is there} of a
-- queued job, each '' when it can't be told.
local id, interval = ARGV[1], tonumber(ARGV[2])
local ahead = redis.call('ZCARD', key('dispatched'))
local rank = redis.call('ZRANK', key('dispatched'), id)
if not rank then
  rank = redis.call('ZRANK', key('queued'), id)
  if not rank then return { '', '' } end -- it pauses before its next try
  rank = rank + ahead
end
local position = rank + 1

local now = now_ms()
local capacity = 0
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', key('workers'), now, '+inf')) do
  capacity = capacity + (redis.call('HGET', key('workers:capacity'), worker) or 0)
end
-- how long such a call took lately; what went wrong before may go wrong again, and then nobody knows
local variant, trouble = unpack(redis.call('HMGET', job_key(id), 'variant', 'trouble'))
local usual = tonumber(redis.call('GET', key('recent:' .. variant)) or 0)
if capacity == 0 or usual == 0 or trouble then return { tostring(position), '' } end
local free = math.max(0, capacity - redis.call('ZCARD', key('running')))
local turns = math.max(0, position - free)
local slot = math.max(next_slot(now, interval), paused_until(now)) - now
local wait = math.max(slot + rank * interval, turns * usual / capacity)
return { tostring(position), tostring(math.ceil(wait + usual)) }
