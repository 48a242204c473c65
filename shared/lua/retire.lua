-- ARGV: what is to go, as retirable.lua names it. Removes the record of a job that has ended, or of a batch and all
-- of its jobs, with all that belongs to it. With a second, 'erase', a job goes out of its batch, and that with its
-- last. Returns 1 when it is gone, also when it was, or 0 when refused: its call may still be under way.
local kind, id = ARGV[1]:match('^(%a+):(%x+)$')

local function remove_record(subject)
  local receiver = receiver_of(subject)
  if receiver then
    redis.call('ZREM', key('outbox:' .. receiver), subject)
    redis.call('ZREM', key('sending:' .. receiver), subject)
  end
  redis.call('DEL', key('delivery:' .. subject), key('tries:' .. subject), key(subject))
end

-- An owner of whom nothing is on record is known no more.
local function forget_owner(owner)
  for _, status in ipairs({ 'queued', 'running', 'succeeded', 'failed', 'canceled' }) do
    if number_with(owner, status) > 0 then return end
  end
  redis.call('SREM', key('owners'), owner)
end

local function remove_job(job)
  local of, status, image, owner = unpack(redis.call('HMGET', job_key(job), 'kind', 'status', 'image', 'owner'))
  if not status then return end
  call_ended(job)
  redis.call('ZREM', list_key(owner or '', of, status), job)
  if owner then forget_owner(owner) end
  redis.call('ZREM', key('expiring'), job)
  redis.call('DEL', key('image:' .. image))
  remove_record('job:' .. job)
end

-- What is left of the batch counts as if the job had never been a part of it.
local function leave_batch(job, batch, status)
  local kept = {}
  for other in redis.call('HGET', batch_key(batch), 'jobs'):gmatch('%S+') do
    if other ~= job then kept[#kept + 1] = other end
  end
  if #kept == 0 then return remove_record('batch:' .. batch) end
  redis.call('HSET', batch_key(batch), 'jobs', table.concat(kept, ' '))
  redis.call('HINCRBY', batch_key(batch), status, -1)
  revised(batch_key(batch), batch, 'changed')
end

-- The picture of what is erased is gone too; that of a record which is over stays, and counts.
local function picture_gone(job)
  local stored, gone = unpack(redis.call('HMGET', job_key(job), 'stored', 'image_gone'))
  if stored and not gone then redis.call('DECRBY', key('stored_bytes'), stored) end
end

if kind == 'batch' then
  local finished, ids = unpack(redis.call('HMGET', batch_key(id), 'finished', 'jobs'))
  if not ids then return 1 end
  if not finished then return 0 end
  for job in ids:gmatch('%S+') do remove_job(job) end
  remove_record('batch:' .. id)
  return 1
end
local status, batch = unpack(redis.call('HMGET', job_key(id), 'status', 'batch'))
if status and allowed[status] then return 0 end
local erased = ARGV[2] == 'erase'
if erased and redis.call('ZSCORE', key('ending'), id) then return 0 end
if batch and redis.call('EXISTS', batch_key(batch)) == 1 then
  if not erased then return 0 end
  leave_batch(id, batch, status)
end
if erased then picture_gone(id) end
remove_job(id)
return 1
