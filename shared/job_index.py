"""What can be asked about many jobs at once: lists, batches, places in the queue, who works."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from redis import Redis

from shared.batches import STATUSES, Batch, from_batch_record
from shared.errors import NotFound
from shared.jobs import Job, from_record
from shared.limits import NO_LIMITS, KeyLimits
from shared.moves import Depth, Outlook, Pace, outlook_of
from shared.scripts import PREFIX, Records, Scripts, answering, pairs

KINDS = ("generate", "upscale")
EVERYBODYS = "*"


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """Where a list goes on: behind the job of this time (ms) and id."""

    created: int
    job_id: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which jobs a list is to hold: those of an owner, "" the open caller, or EVERYBODYS."""

    owner: str
    kinds: Sequence[str] = KINDS
    statuses: Sequence[str] = STATUSES
    after: Cursor | None = None
    limit: int = 50


class JobIndex:
    """Ask about jobs; changes nothing but who waits. Every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace, limits: KeyLimits = NO_LIMITS) -> None:
        self._redis = redis
        self._record = Records(redis).get
        self._pace = pace
        self._most_running = limits.running
        self._run = Scripts(redis).run

    def jobs(self, job_ids: Iterable[str]) -> list[Job]:
        """Return jobs in this order; those that are not known are left out."""
        ids = list(job_ids)
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for job_id in ids:
                pipe.hgetall(f"{PREFIX}job:{job_id}")
            records = cast("list[dict[str, str]]", pipe.execute())
        found = zip(ids, records, strict=True)
        return [from_record(job_id, record) for job_id, record in found if record]

    def newest(self, wanted: Wanted) -> list[Job]:
        """Return the newest jobs of some kinds and statuses, behind a cursor; ties go by id."""
        lists = [f"{kind}:{status}" for kind in wanted.kinds for status in wanted.statuses]
        after = (wanted.after.created, wanted.after.job_id) if wanted.after else ("", "")
        found = self._run("newest", wanted.owner, wanted.limit, *after, *lists)
        return [from_record(job_id, pairs(record)) for job_id, record in found]

    def batch(self, batch_id: str) -> Batch | None:
        """Return a batch, or None when there is none of this id."""
        record = self._record(f"{PREFIX}batch:{batch_id}")
        return from_batch_record(batch_id, record) if record else None

    def whole(self, batch: Batch) -> tuple[Batch, list[Job]]:
        """Return a batch and its jobs as they are at one moment; raise NotFound when it is no more."""
        keys = [f"{PREFIX}batch:{batch.id}", *(f"{PREFIX}job:{job_id}" for job_id in batch.jobs)]
        with answering(), self._redis.pipeline(transaction=True) as pipe:
            for key in keys:
                pipe.hgetall(key)
            record, *records = cast("list[dict[str, str]]", pipe.execute())
        if not record:
            raise NotFound("There is no batch of this id any more")
        found = zip(batch.jobs, records, strict=True)
        jobs = [from_record(job_id, record) for job_id, record in found if record]
        return from_batch_record(batch.id, record), jobs

    def outlook(self, job: Job) -> Outlook:
        """Return where a queued job stands; all is unknown for any other."""
        if job.status != "queued":
            return Outlook()
        return outlook_of(self._run("outlook", job.id, self._pace.interval_ms, self._most_running))

    def depth(self) -> Depth:
        """Return how long the queue is."""
        waiting, running = self._run("depth")
        return Depth(waiting, running)

    def counts(self) -> dict[str, int]:
        """Return what was counted since the store was empty, by name.

        `calls_repeated_unknown_outcome`: calls sent again although the one before may be charged;
        `messages_put_back`: messages that no worker took, whose jobs are sent again; `rate_limited`:
        lock-outs by the provider; `breaker_opened`: times at which it was found down, or refused us.
        """
        with answering():
            told = cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}counts"))
        return {name: int(number) for name, number in told.items()}

    def worker_slots(self) -> list[int]:
        """Return how many jobs each worker that lives can run; 0: it takes none now."""
        return list(self.workers().values())

    def workers(self) -> dict[str, int]:
        """Return the slots of each worker that lives, by its name: celery@host:pid."""
        with answering():
            seconds, micros = self._redis.time()
            now = seconds * 1000 + micros // 1000
            live = cast(
                "list[str]", self._redis.zrange(f"{PREFIX}workers", now, "+inf", byscore=True)
            )
            slots = cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}workers:capacity"))
        return {worker: int(slots.get(worker, 0)) for worker in live}

    def worker_troubles(self) -> dict[str, str]:
        """Return why workers take no jobs, by their names: "storage_error", "provider_unavailable"."""
        with answering():
            return cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}workers:trouble"))

    def paused_ms(self) -> int:
        """Return for how long nobody calls the provider, 0 when calls go out."""
        with answering():
            seconds, micros = self._redis.time()
            until = float(cast("str", self._redis.get(f"{PREFIX}pace:paused_until")) or 0)
            return max(0, int(until) - (seconds * 1000 + micros // 1000))

    def hold(self, image: str, waiter: str, ttl_ms: int, most: int) -> bool:
        """Take one of the places to wait for an image, over all processes; False when full."""
        return bool(self._run("hold", image, waiter, ttl_ms, most))

    def let_go(self, image: str, waiter: str) -> None:
        """Give a place to wait back."""
        with answering():
            self._redis.zrem(f"{PREFIX}waiters:{image}", waiter)
