"""Is the Redis of the settings one that keeps what it is told? Looked at once, at the start."""

from collections.abc import Mapping
from typing import Any

from redis.exceptions import RedisError

from shared.services import connect
from shared.settings import SettingsError

_CLUSTER = (
    "REDIS_URL is a Redis Cluster, which is not supported: every change of a job is one script over"
    " many keys; name a server that stands alone"
)


def look_at_redis(url: str) -> list[str]:
    """Return a sentence for each way in which a server may lose jobs; raise SettingsError for a cluster.

    One that is away, or does not let us look, is told nothing of.
    """
    redis = connect(url)
    try:
        info = redis.info()
    except RedisError:
        return []
    finally:
        # the client did not make its pool, and would leave it to the collector
        redis.connection_pool.disconnect()
    return weak_points(info)


def weak_points(info: Mapping[str, Any]) -> list[str]:
    """Return what `look_at_redis` returns, from what the server tells of itself."""
    if info.get("cluster_enabled") == 1:
        raise SettingsError(_CLUSTER)
    found = []
    policy = info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        found.append(
            f"REDIS_URL is a server with maxmemory-policy {policy}: when it is full it forgets jobs;"
            " set it to noeviction"
        )
    if info.get("aof_enabled") == 0:
        found.append(
            "REDIS_URL is a server without an append-only file: when it dies, accepted jobs are lost;"
            " set appendonly yes and appendfsync always"
        )
    return found
