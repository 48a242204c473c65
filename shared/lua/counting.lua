-- Stands before every script: what is counted for the whole service, over all processes and restarts. It is
-- counted by the script that makes the change, so that it is counted as often as that happens: once.
local counts, tallies = KEYS[1] .. 'counts', KEYS[1] .. 'tallies'

-- Counts what has no labels (see JobIndex.counts).
local function count(name, by) redis.call('HINCRBY', counts, name, by or 1) end

-- Counts what is told by labels: a name and the labels' values. Each may have a few values only, and no id is one.
local function tally(by, ...) redis.call('HINCRBY', tallies, table.concat({ ... }, '|'), by) end

-- The upper bounds of every histogram's buckets, in ms.
local bounds_ms = { 50, 100, 250, 500, 1000, 2500, 5000, 10000, 20000, 30000, 60000, 120000, 300000, 600000 }

-- Puts a time into a histogram: into the one bucket that it belongs to, and to the sum.
local function observe(ms, ...)
  local name, n = table.concat({ ... }, '|'), 1
  ms = math.max(0, math.floor(ms)) -- the clock may have gone back
  while bounds_ms[n] and ms > bounds_ms[n] do n = n + 1 end
  tally(1, name, bounds_ms[n] or 'inf')
  tally(ms, name, 'sum')
end
