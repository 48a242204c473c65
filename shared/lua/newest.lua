-- ARGV: owner or '*' for all, how many at most, created and id of the job behind which to go on ('', '' to
-- begin), then lists as <kind>:<status>. Returns {id, record}s, newest first; of the same moment, the highest id first. The records are
-- of the same moment as the lists, so that none tells another status than was asked for.
local most, created, after = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local owners = { ARGV[1] }
if ARGV[1] == '*' then
  owners = redis.call('SMEMBERS', key('owners'))
  owners[#owners + 1] = ''
end
local found = {}
local function take(list, from, to, below)
  local entries = redis.call('ZREVRANGEBYSCORE', list, from, to, 'WITHSCORES', unpack(below and {}
    or { 'LIMIT', 0, most }))
  for i = 1, #entries, 2 do
    if not below or entries[i] < below then
      found[#found + 1] = { id = entries[i], created = tonumber(entries[i + 1]) }
    end
  end
end
for _, owner in ipairs(owners) do
  for i = 5, #ARGV do
    local list = of_owner('list', owner) .. ':' .. ARGV[i]
    if created ~= '' then take(list, created, created, after) end
    take(list, created == '' and '+inf' or '(' .. created, '-inf')
  end
end
table.sort(found, function(a, b)
  if a.created ~= b.created then return a.created > b.created end
  return a.id > b.id
end)
local jobs = {}
for i = 1, math.min(most, #found) do
  jobs[i] = { found[i].id, redis.call('HGETALL', job_key(found[i].id)) }
end
return jobs
