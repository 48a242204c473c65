"""Ways to keep to the provider's limit, each with the same question: when may I call?"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import (
    FixedWindowRateLimiter,
    MovingWindowRateLimiter,
    RateLimiter,
    SlidingWindowCounterRateLimiter,
)
from redis import Connection, ConnectionPool, Redis

from benchmarks.figures import LIMIT
from shared.job_store import JobStore
from shared.jobs import new_job_id
from shared.moves import Pace
from tests.builders import a_job

# As in the worker: a longer wait for a slot is not waited for in its hands.
_LONGEST_SLOT_WAIT_MS = 3_000
_LEASE_MS = 120_000
_DAY_MS = 86_400_000
_HANDSHAKE = {"AUTH", "CLIENT", "HELLO", "SELECT"}


class Way(Protocol):
    """A way to wait for one's turn."""

    def ready(self) -> None:
        """Do what has to be done before a turn can be asked for."""
        ...

    def pause(self) -> float:
        """Return 0 when the caller may call now, else the seconds after which to ask again."""
        ...


class CountingConnection(Connection):
    """A connection that counts, for the whole process, the commands that it is given."""

    sent = 0

    def send_command(self, *args: Any, **options: Any) -> None:
        """Count a command unless it belongs to the handshake, and send it."""
        if args[0] not in _HANDSHAKE:
            CountingConnection.sent += 1
        super().send_command(*args, **options)  # type: ignore[no-untyped-call]


def _counted(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(url, connection_class=CountingConnection, decode_responses=True)


class SpacedSlots:
    """What the workers do: `begin_call.lua` by JobStore; making the jobs is not counted."""

    def __init__(self, url: str, guard_ms: int) -> None:
        pace = Pace.of(LIMIT, guard_ms)
        self._jobs = JobStore(Redis.from_url(url, decode_responses=True), pace)
        self._slots = JobStore(Redis(connection_pool=_counted(url)), pace)
        self._job = ""

    def ready(self) -> None:
        """Bring a job to where a worker asks for its slot."""
        self._job = new_job_id()
        self._jobs.accept(a_job(id=self._job, deadline=_DAY_MS), 100_000)
        self._jobs.claim(self._job, "benchmark", _LEASE_MS)

    def pause(self) -> float:
        """Ask for a slot, or whether it has come."""
        turn = self._slots.begin_call(self._job, "benchmark", _LONGEST_SLOT_WAIT_MS)
        return 0.0 if turn.word == "go" else max(turn.ms, 1) / 1000


class Library:
    """A strategy of the library `limits`: try, and when refused sleep until it says to try again."""

    def __init__(self, url: str, strategy: type[RateLimiter], calls: int, seconds: int) -> None:
        self._limiter = strategy(RedisStorage(url, connection_pool=_counted(url)))
        self._item = RateLimitItemPerSecond(calls, seconds)

    def ready(self) -> None:
        """Do nothing."""

    def pause(self) -> float:
        """Try to take a place; those who wait for the same moment don't all come at once."""
        if self._limiter.hit(self._item, "provider"):
            return 0.0
        reset = self._limiter.get_window_stats(self._item, "provider").reset_time
        return max(reset - time.time(), 0.005) + random.uniform(0, 0.02)


_BUCKET = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local full, rate = tonumber(ARGV[1]), tonumber(ARGV[2])
local tokens, seen = unpack(redis.call('HMGET', KEYS[1], 'tokens', 'seen'))
tokens = math.min(full, tonumber(tokens or full) + (now - tonumber(seen or now)) * rate)
local taken = tokens >= 1
if taken then tokens = tokens - 1 end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'seen', string.format('%.6f', now))
return tostring(taken and 0 or (1 - tokens) / rate)
"""


class TokenBucket:
    """A bucket as large as the limit that refills at its rate."""

    def __init__(self, url: str) -> None:
        self._take = Redis(connection_pool=_counted(url)).register_script(_BUCKET)

    def ready(self) -> None:
        """Do nothing."""

    def pause(self) -> float:
        """Take a token, or learn when there will be one."""
        wait = float(self._take(keys=["bucket"], args=[LIMIT.calls, LIMIT.calls / LIMIT.seconds]))
        return wait + random.uniform(0, 0.02) if wait else 0.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A way by name, how it is set, the seconds after which it repeats itself, how to build one."""

    name: str
    setting: str
    period: float
    build: Callable[[str], Way]


def contenders() -> list[Contender]:
    """Return all ways; the second rate of a strategy is one that no travel time makes too much."""
    guards = [
        Contender("spaced slots", f"guard {ms} ms", 10, partial(SpacedSlots, guard_ms=ms))
        for ms in (0, 150, 300, 600)
    ]
    strategies: list[tuple[str, type[RateLimiter], tuple[int, int]]] = [
        ("limits: fixed window", FixedWindowRateLimiter, (75, 10)),
        ("limits: moving window", MovingWindowRateLimiter, (150, 11)),
        ("limits: sliding window counter", SlidingWindowCounterRateLimiter, (75, 10)),
    ]
    windows = [
        Contender(
            name,
            f"{calls}/{seconds}s",
            seconds,
            partial(Library, strategy=strategy, calls=calls, seconds=seconds),
        )
        for name, strategy, safe in strategies
        for calls, seconds in ((150, 10), safe)
    ]
    return [*guards, *windows, Contender("token bucket", "150, 15/s", 10, TokenBucket)]
