-- ARGV: ms between two provider calls, ms to look ahead, how many jobs of an owner may run (see free_of).
-- Returns the ids of the jobs that start now (see pick).
return pick(ARGV[1], tonumber(ARGV[2]), ARGV[3])
