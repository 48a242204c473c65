-- ARGV: lease in ms, then pairs of id and claim. Returns the ids whose claim no longer holds.
even_when_full() -- a call under way lasts longer than its lease
local expiry = now_ms() + tonumber(ARGV[1])
local lost = {}
for i = 2, #ARGV, 2 do
  if holds(ARGV[i], ARGV[i + 1]) then
    redis.call('ZADD', key('running'), expiry, ARGV[i])
  else
    lost[#lost + 1] = ARGV[i]
    -- canceled in the middle of its call, which goes on
    if redis.call('HGET', job_key(ARGV[i]), 'claim') == ARGV[i + 1] then
      redis.call('ZADD', key('ending'), 'XX', expiry, ARGV[i])
    end
  end
end
return lost
