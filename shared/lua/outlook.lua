-- ARGV: id, ms between two provider calls, how many jobs of an owner may run (see free_of).
-- Returns where a queued job stands (see place_of).
return place_of(ARGV[1], ARGV[2], ARGV[3])
