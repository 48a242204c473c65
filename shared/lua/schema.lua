-- Stands before every script, behind common.lua and `local schema = N`, the form of records that this release
-- writes. The store keeps the highest that anybody wrote: a release that knows only lower ones changes nothing.
local written = tonumber(redis.call('GET', key('schema')) or 0)
if written > schema then return redis.error_reply('NEWER ' .. written) end

-- What a release begins with (a job accepted or claimed, a worker's heartbeat) makes the store its own; returns an
-- error while a worker of a lower one lives, which might be in the middle of a call. Here is brought into
-- the present form what scripts would misread. A store without a form was written in the first.
local function take_over()
  if written == schema then return end
  if schema > 1 and redis.call('ZCOUNT', key('workers'), now_ms(), '+inf') > 0 then
    return redis.error_reply('OLDER')
  end
  redis.call('SET', key('schema'), schema)
end
