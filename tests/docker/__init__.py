"""The service as `docker compose up` starts it, where a Docker engine answers."""
