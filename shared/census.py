"""The whole service counted at one moment, for those who watch it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis

from shared.batches import STATUSES
from shared.breaker import BreakerState
from shared.job_index import KINDS, RUNNING
from shared.scripts import PREFIX, answering

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Census:
    """What the job store knows of all jobs, workers and the provider; the same whichever process asks.

    `jobs` is by kind and status, of all that are on record. `receivers` is how many have webhooks to
    come. `credits_today`, in thousandths, is what the jobs accepted since midnight (UTC) have cost or
    are expected to. `counts` is what was counted since the store was empty, by name (`JobIndex.counts`).
    """

    jobs: Mapping[tuple[str, str], int]
    oldest_queued_ms: int
    under_way: int
    workers: int
    slots: int
    receivers: int
    credits_today: int
    paused_ms: int
    breaker: BreakerState
    counts: Mapping[str, int]


class Registrar:
    """Takes the census."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis

    def take(self) -> Census:
        """Count everything, in one transaction; may raise StoreUnavailable."""
        with answering():
            seconds, micros = self._redis.time()
            now = seconds * 1000 + micros // 1000
            with self._redis.pipeline(transaction=True) as pipe:
                _ask(pipe, now)
                return _read(iter(pipe.execute()), now)


def _read(answers: Iterator[Any], now: int) -> Census:
    jobs = {(kind, status): int(next(answers)) for kind in KINDS for status in STATUSES}
    oldest = [moment for _ in KINDS for _, moment in next(answers)]
    under_way = sum(int(next(answers)) for _ in RUNNING)
    workers, capacity = next(answers), next(answers)
    receivers, spent, paused, breaker, counts = answers
    return Census(
        jobs=jobs,
        oldest_queued_ms=max(0, now - int(min(oldest))) if oldest else 0,
        under_way=under_way,
        workers=len(workers),
        slots=sum(int(capacity.get(worker, 0)) for worker in workers),
        receivers=int(receivers),
        credits_today=int(spent or 0),
        paused_ms=max(0, int(float(paused or 0)) - now),
        breaker=BreakerState.of(breaker),
        counts={name: int(number) for name, number in counts.items()},
    )


def _ask(pipe: Any, now: int) -> None:
    for kind in KINDS:
        for status in STATUSES:
            pipe.zcard(f"{PREFIX}list:{kind}:{status}")
    for kind in KINDS:
        pipe.zrange(f"{PREFIX}list:{kind}:queued", 0, 0, withscores=True)
    for place in RUNNING:
        pipe.zcard(f"{PREFIX}{place}")
    pipe.zrangebyscore(f"{PREFIX}workers", now, "+inf")
    pipe.hgetall(f"{PREFIX}workers:capacity")
    pipe.zcard(f"{PREFIX}outbox")
    pipe.get(f"{PREFIX}spent:{now // _DAY_MS}")
    pipe.get(f"{PREFIX}pace:paused_until")
    pipe.hgetall(f"{PREFIX}breaker")
    pipe.hgetall(f"{PREFIX}counts")
