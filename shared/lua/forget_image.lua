-- ARGV: id, why. Notes that the image of a succeeded job is gone. Returns the revision, or 0.
redis.call('ZREM', key('expiring'), ARGV[1])
local found = redis.call('HMGET', job_key(ARGV[1]), 'status', 'image_gone', 'stored')
if found[1] ~= 'succeeded' or found[2] then return 0 end
-- a picture from before bytes were counted was never added
redis.call('DECRBY', key('stored_bytes'), found[3] or 0)
redis.call('HSET', job_key(ARGV[1]), 'image_gone', ARGV[2])
return revised_after_end(ARGV[1], 'succeeded')
