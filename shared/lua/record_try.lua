-- ARGV: subject, claim, the try as JSON, how many tries are kept, and what follows: 'delivered', 'failed', or
-- ms until the next try. A try that comes too late, when another has the webhook by now, is noted and
-- decides nothing. Returns 1 when it decided.
local subject, claim, try, follows = ARGV[1], ARGV[2], ARGV[3], ARGV[5]
local delivery, tries = key('delivery:' .. subject), key('tries:' .. subject)
local receiver = receiver_of(subject)
if not receiver then return 0 end -- the record is gone, and this goes with it
if not redis.call('LPOS', tries, try) then
  redis.call('LPUSH', tries, try)
  redis.call('LTRIM', tries, 0, ARGV[4] - 1)
end
if redis.call('HGET', delivery, 'claim') ~= claim then return 0 end
redis.call('HDEL', delivery, 'claim')
tally(1, 'webhooks', tonumber(follows) and 'retried' or follows == 'failed' and 'given_up' or follows)
observe(cjson.decode(try).duration_ms, 'webhook')
if tonumber(follows) then
  redis.call('HINCRBY', delivery, 'failures', 1)
  post(subject, now_ms() + follows)
else
  redis.call('HSET', delivery, 'status', follows)
  redis.call('ZREM', key('sending:' .. receiver), subject)
end
turn_by(receiver, now_ms())
return 1
