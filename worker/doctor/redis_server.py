"""Redis: does it answer, and is it set so that nothing accepted can be lost?"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from statistics import median
from typing import Any, cast

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from worker.doctor.findings import Finding, note, ok, wrong

_SECONDS = 2.0
_SLOW_MS = 20.0
_PINGS = 15
_OLDEST = (6, 2)
_DRIFT_SECONDS = 1.0
_FULL, _NEARLY_FULL = 0.95, 0.8
_GUARANTEES = "docs/guarantees.md tells what may be lost"


def connect(url: str) -> "Redis":
    """Return a client that answers or fails within two seconds, and tries nothing twice."""
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def listens(url: str) -> bool:
    """Tell whether a server listens there, whatever it answers."""
    try:
        connect(url).ping()
    except (AuthenticationError, ResponseError, RedisTimeout):
        return True
    except RedisError:
        return False
    return True


def check(client: "Redis") -> Iterator[Finding]:
    """Look at a server that should be there."""
    try:
        client.ping()
    except AuthenticationError:
        yield wrong("redis", "refuses the password", "mend the password in REDIS_URL")
        return
    except ResponseError as error:
        yield _busy(error)
        return
    except RedisError as error:
        mend = "is it started, and is REDIS_URL right?"
        yield wrong("redis", f"does not answer ({type(error).__name__})", mend)
        return
    yield from judge(client.info(), _config(client), _latency_ms(client))
    yield _clock(client)


def judge(info: Mapping[str, Any], told: Mapping[str, str], latency_ms: float) -> Iterator[Finding]:
    """Look at what a server tells of itself by INFO, and by CONFIG as far as it lets us."""
    yield _server(info, latency_ms)
    yield from _role(info)
    yield from _lasting(info, told)
    yield _memory(info, told)


def _busy(error: ResponseError) -> Finding:
    words = str(error).split(" ", 1)[0]
    if words in {"NOAUTH", "WRONGPASS"}:
        return wrong("redis", "asks for a password", "put it into REDIS_URL")
    return wrong("redis", f"answers {words} and does not serve", "it may still read its file: wait")


def _config(client: "Redis") -> Mapping[str, str]:
    """Return the settings that matter; a server of somebody else's may not tell them."""
    with suppress(ResponseError):
        return cast("dict[str, str]", client.config_get("appendfsync", "maxmemory-policy"))
    return {}


def _latency_ms(client: "Redis") -> float:
    times = []
    for _ in range(_PINGS):
        begun = time.perf_counter()
        client.ping()
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)


def _server(info: Mapping[str, Any], latency_ms: float) -> Finding:
    version = str(info["redis_version"])
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {version}"
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        return wrong("redis", f"{name} is too old", "use Redis 6.2 or newer, or Valkey")
    told = f"{name} answers in {latency_ms:.1f} ms"
    if latency_ms > _SLOW_MS:
        mend = "each job takes some ten round trips: bring them nearer to each other"
        return note("redis", told, mend)
    return ok("redis", told)


def _role(info: Mapping[str, Any]) -> Iterator[Finding]:
    if info.get("cluster_enabled"):
        yield wrong("redis", "is a Redis Cluster, which is not supported", "use a single server")
    if info.get("role") != "master":
        yield wrong("redis", "is a replica and takes no writes", "set REDIS_URL to its primary")
    if info.get("loading"):
        yield note("redis", "still reads its file", "wait; the service answers 503 meanwhile")


def _lasting(info: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[Finding]:
    if not info.get("aof_enabled"):
        yield wrong("redis", "keeps no append-only file", f"set appendonly yes; {_GUARANTEES}")
        return
    if info.get("aof_last_write_status", "ok") != "ok":
        yield wrong("redis", "can't write its append-only file", "make room on its disk")
    fsync = told.get("appendfsync")
    if fsync is None:
        yield note("redis", "does not tell appendfsync", f"it should be always; {_GUARANTEES}")
    elif fsync != "always":
        yield note("redis", f"appendfsync is {fsync}", f"set it to always; {_GUARANTEES}")
    else:
        yield ok("redis", "appendonly yes, appendfsync always")


def _memory(info: Mapping[str, Any], told: Mapping[str, str]) -> Finding:
    policy = told.get("maxmemory-policy") or info.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        return wrong("memory", f"maxmemory-policy is {policy}: jobs vanish", "set noeviction")
    used, most = int(info["used_memory"]), int(info.get("maxmemory", 0))
    whole = most or int(info.get("total_system_memory", 0))
    of = "maxmemory" if most else "the machine's memory (maxmemory is not set)"
    told_memory = f"{_mib(used)} of {_mib(whole)} MiB, {of}; noeviction"
    mend = 'raise maxmemory or shorten JOB_TTL_DAYS: docs/operations.md, "Redis is full"'
    if not whole or used < whole * _NEARLY_FULL:
        return ok("memory", told_memory)
    if used < whole * _FULL:
        return note("memory", told_memory, mend)
    return wrong("memory", told_memory, mend)


def _mib(size: int) -> str:
    return f"{size / 1024**2:,.0f}"


def _clock(client: "Redis") -> Finding:
    begun = time.time()
    seconds, micros = client.time()
    return drifted(seconds + micros / 1_000_000 - (begun + time.time()) / 2)


def drifted(drift: float) -> Finding:
    """Look at how many seconds Redis's clock is ahead of ours."""
    if abs(drift) > _DRIFT_SECONDS:
        told = f"Redis is {abs(drift):.1f} s {'ahead of' if drift > 0 else 'behind'} this machine"
        return note(
            "clock", told, "jobs go by Redis's clock, logs by each machine's: run NTP on both"
        )
    return ok("clock", "the same as Redis's, to a second")
