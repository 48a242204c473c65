-- ARGV: worker, how many jobs it can run, ms until it counts as gone (0: it says good-bye), why it takes none or ''.
local now = now_ms()
even_when_full() -- else a worker would count as gone, and as there, in turn
local gone = redis.call('ZRANGEBYSCORE', key('workers'), '-inf', now)
if ARGV[3] == '0' then gone[#gone + 1] = ARGV[1] end
for _, worker in ipairs(gone) do
  redis.call('ZREM', key('workers'), worker)
  redis.call('HDEL', key('workers:capacity'), worker)
  redis.call('HDEL', key('workers:trouble'), worker)
end
if ARGV[3] ~= '0' then
  local others = take_over()
  if others then return others end
  redis.call('ZADD', key('workers'), now + ARGV[3], ARGV[1])
  redis.call('HSET', key('workers:capacity'), ARGV[1], ARGV[2])
  if ARGV[4] == '' then
    redis.call('HDEL', key('workers:trouble'), ARGV[1])
  else
    redis.call('HSET', key('workers:trouble'), ARGV[1], ARGV[4])
  end
end
return redis.call('ZCARD', key('workers'))
