-- ARGV: ms that a record is kept after its end, ms that it outlives its picture, then pairs of a list's name
-- and how many of its oldest are known to stay. Looks at the next of each list; those of a batch go with it.
-- Returns for each list {how many of them stay, '1' when none is left that could go, else '', for each of the
-- others what it is or the batch that it goes with, as 'job:<id>' or 'batch:<id>'}. What it names may go for good: nothing
-- that has ended changes these times.
local ttl, outlives = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local page, looks = 100, 2000

local function over(id)
  looks = looks - 1
  local finished, expires, gone = unpack(redis.call('HMGET', job_key(id), 'finished', 'expires', 'image_gone'))
  if not finished or now < finished + ttl then return false end
  return not expires or (gone and now >= expires + outlives)
end

local batches = {} -- a batch that stands behind many entries is looked at once
local function batch_over(batch)
  if batches[batch] == nil then
    local finished, ids = unpack(redis.call('HMGET', batch_key(batch), 'finished', 'jobs'))
    local all = finished and now >= finished + ttl
    for id in (all and ids or ''):gmatch('%S+') do all = all and over(id) end
    batches[batch] = all or false
  end
  return batches[batch]
end

local function look(id)
  local batch = redis.call('HGET', job_key(id), 'batch')
  if batch and redis.call('EXISTS', batch_key(batch)) == 1 then
    return batch_over(batch) and 'batch:' .. batch
  end
  return over(id) and 'job:' .. id
end

local answer = {}
for i = 3, #ARGV, 2 do
  local list, skip = key('list:' .. ARGV[i]), tonumber(ARGV[i + 1])
  -- what was made later than that can't have ended long enough ago
  local old = redis.call('ZCOUNT', list, '-inf', now - ttl)
  local looked, found = 0, {}
  local last = math.min(skip + page, old) - 1
  -- to -1 would be to the end: all that is on record, when nothing is old
  for _, id in ipairs(last >= skip and redis.call('ZRANGE', list, skip, last) or {}) do
    if looks <= 0 then break end
    looked = looked + 1
    found[#found + 1] = look(id) or nil
  end
  answer[#answer + 1] = { looked - #found, skip + looked >= old and '1' or '', unpack(found) }
end
return answer
