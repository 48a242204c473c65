"""What people would use instead, each small, with the same call, check and write."""
