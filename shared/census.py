"""The whole service counted at one moment, for those who watch it."""

from collections.abc import Mapping
from dataclasses import dataclass

from redis import Redis
from redis.exceptions import ResponseError

from shared.batches import STATUSES
from shared.breaker import BreakerState
from shared.job_index import KINDS
from shared.moves import Pace
from shared.scripts import Scripts, answering, pairs
from shared.tally import Tallies


@dataclass(frozen=True, slots=True)
class OwnersJobs:
    """What one owner has waiting and running, and what its jobs of today cost, in thousandths."""

    queued: int
    running: int
    credits_today: int


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is as it is now.

    `web` is how many API processes live, `held` how many callers wait in them. `receivers` have webhooks
    to come. `credits_today`, in thousandths, is what the jobs accepted since midnight (UTC) have cost or
    are expected to. `slots_used` is how many provider calls were let go in the last window of the limit,
    `stored_bytes` what the pictures take that are kept. `cut_off` workers alone do not reach it.
    """

    oldest_queued_ms: int
    under_way: int
    workers: int
    slots: int
    web: int
    held: int
    receivers: int
    credits_today: int
    paused_ms: int
    slots_used: int
    stored_bytes: int
    cut_off: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What the provider said of the account, in thousandths, and when (ms since the epoch)."""

    credits: int
    told: int


@dataclass(frozen=True, slots=True)
class Census:
    """What the job store knows of all jobs, workers and the provider; the same whichever process asks.

    `jobs` is by kind and status, of all that are on record. `counts` is what was counted since the store
    was empty, by name (`JobIndex.counts`), `tallies` the same by labels.
    """

    jobs: Mapping[tuple[str, str], int]
    now: Numbers
    breaker: BreakerState
    counts: Mapping[str, int]
    tallies: Tallies
    owners: Mapping[str, OwnersJobs]
    balance: Balance | None


@dataclass(frozen=True, slots=True)
class RedisState:
    """Redis's memory in bytes, the most that it may take (0: no bound); can it write its file?"""

    used_bytes: int
    max_bytes: int
    writes_ok: bool


class Registrar:
    """Takes the census; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace) -> None:
        self._redis = redis
        self._window_ms = pace.window_ms
        self._run = Scripts(redis).run

    def take(self) -> Census:
        """Count everything at one moment."""
        jobs, now, breaker, counts, tallies, bounds, owners, balance = self._run(
            "census", self._window_ms, *STATUSES
        )
        places = [(kind, status) for kind in KINDS for status in STATUSES]
        told = {name: int(number) for name, number in pairs(balance).items()}
        return Census(
            jobs=dict(zip(places, jobs, strict=True)),
            now=Numbers(*now),
            breaker=BreakerState.of(pairs(breaker)),
            counts={name: int(number) for name, number in pairs(counts).items()},
            tallies=Tallies.of(pairs(tallies), bounds),
            owners={name: OwnersJobs(*numbers) for name, *numbers in owners},
            balance=Balance(**told) if told else None,
        )

    def redis_state(self) -> RedisState | None:
        """Return how Redis itself does; None where it is not to be asked, as with some hosts."""
        try:
            with answering():
                told = self._redis.info()
        except ResponseError:
            return None
        # with an append-only file a snapshot that failed, as for a backup, stops nothing
        status = "aof_last_write_status" if told.get("aof_enabled") else "rdb_last_bgsave_status"
        return RedisState(
            int(told.get("used_memory", 0)),
            int(told.get("maxmemory", 0)),
            told.get(status, "ok") == "ok",
        )
