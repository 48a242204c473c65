"""`/metrics`: its route, and what it tells, a module for each part of the service."""
