"""The whole service counted at one moment, for those who watch it."""

from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis

from shared.batches import STATUSES
from shared.breaker import BreakerState
from shared.job_index import KINDS
from shared.scripts import Scripts, pairs


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
        self._run = Scripts(redis).run

    def take(self) -> Census:
        """Count everything at one moment; may raise StoreUnavailable."""
        jobs, oldest, under_way, *numbers, breaker, counts = self._run("census", *STATUSES)
        workers, slots, receivers, credits_today, paused_ms = numbers
        places = [(kind, status) for kind in KINDS for status in STATUSES]
        return Census(
            jobs=dict(zip(places, jobs, strict=True)),
            oldest_queued_ms=oldest,
            under_way=under_way,
            workers=workers,
            slots=slots,
            receivers=receivers,
            credits_today=credits_today,
            paused_ms=paused_ms,
            breaker=BreakerState.of(pairs(breaker)),
            counts={name: int(number) for name, number in pairs(counts).items()},
        )
