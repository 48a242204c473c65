-- ARGV: id, claim, credits or '' when nobody knows. The call of a canceled job has ended: tells what it cost,
-- once, by whoever sent it. Returns the revision, or 0 when there is nothing to tell.
local found = redis.call('HMGET', job_key(ARGV[1]), 'status', 'claim', 'credits', 'unknown')
if found[1] ~= 'canceled' or found[2] ~= ARGV[2] then return 0 end
call_ended(ARGV[1])
if found[3] or ARGV[3] == '' then return 0 end
-- an earlier call may have been charged too: nobody knows the sum, unless this one says that it cost
if tonumber(found[4] or 0) > 0 and ARGV[3] == '0' then return 0 end
redis.call('HSET', job_key(ARGV[1]), 'credits', ARGV[3])
settle_reserved(ARGV[1])
return revised_after_end(ARGV[1], 'canceled')
