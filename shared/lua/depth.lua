-- Returns {how many jobs wait, how many run}, of all owners.
local running = 0
for _, place in ipairs({ 'running', 'parked', 'resuming' }) do running = running + redis.call('ZCARD', key(place)) end
return { number_waiting(), running }
