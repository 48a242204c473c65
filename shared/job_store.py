"""The truth about every job, in Redis: each change is one atomic script (see `shared/lua`)."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from redis import Redis

from shared.batches import Batch, from_batch_record
from shared.errors import BudgetExceeded, KeyReused, StoreUnavailable
from shared.jobs import SCHEMA_VERSION, Job, from_record, to_record
from shared.moves import Accepted, AcceptedBatch, Pace, Release, Replay, Sweep, Turn
from shared.scripts import PREFIX, Scripts, answering, pairs

# A free worker's jobs are dispatched for the slots of so many ms, no further: whoever comes first in the
# queue waits behind them. Above a worker's tick (500), so that no slot passes by between two of them.
LOOK_AHEAD_MS = 750
# A kept slot that is used later than this could meet its neighbours' and break the provider's limit.
SLOT_LATE_MS = 100
# A message that no worker took up in this time is taken for lost.
UNCLAIMED_MS = 10_000
_SWEEP_MOST = 100
# The time-out of a command (see services.py): by then its caller has had a 503.
PATIENCE_MS = 1_000
KEY_LIVES_MS = 86_400_000
# How long the difference between this machine's clock and the store's is taken for known.
_CLOCK_SECONDS = 30.0


class JobStore:
    """Jobs, their queue and their leases; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace) -> None:
        self._redis = redis
        self._pace = pace
        self._clock_ahead: float | None = None
        self._clock_read = 0.0
        self._run = Scripts(redis).run

    def accept(
        self,
        job: Job,
        longest_queue: int,
        replay: Replay | None = None,
        credits_per_day: int | None = None,
    ) -> Accepted | None:
        """Store a new job and queue it; return it as stored, or None when the queue is full.

        `job.deadline` is in ms from now; the store sets its times by its own clock. A key that was used
        for the same gives the first job again, whatever the limits; for another, KeyReused is raised.
        Raises BudgetExceeded when the day's jobs may not cost so much (thousandths of a credit).
        """
        limits = (longest_queue, credits_per_day)
        answer = self._accept(job.id, [job], "", limits, replay)
        if answer is None:
            return None
        word, job_id, record = answer
        return Accepted(from_record(job_id, record), word == "replayed")

    def accept_batch(
        self,
        batch: Batch,
        jobs: Sequence[Job],
        longest_queue: int,
        replay: Replay | None = None,
        credits_per_day: int | None = None,
    ) -> AcceptedBatch | None:
        """Store and queue all jobs of a batch or, as `accept` does, none."""
        fields = to_record({"schema": SCHEMA_VERSION, "jobs": " ".join(job.id for job in jobs)})
        fields |= to_record({name: getattr(batch, name) for name in _GIVEN_WITH_BATCH})
        flat = json.dumps(_flat(fields), ensure_ascii=False)
        limits = (longest_queue, credits_per_day)
        answer = self._accept(batch.id, jobs, flat, limits, replay)
        if answer is None:
            return None
        word, batch_id, record = answer
        stored = from_batch_record(batch_id, record)
        if word == "replayed":
            return AcceptedBatch(stored, replayed=True)
        return AcceptedBatch(
            stored, False, tuple(replace(job, created=stored.created) for job in jobs)
        )

    def _accept(
        self,
        entry: str,
        jobs: Sequence[Job],
        batch: str,
        limits: tuple[int, int | None],
        replay: Replay | None,
    ) -> tuple[str, str, dict[str, str]] | None:
        longest, credits_per_day = limits
        key, fingerprint = (replay.key, replay.fingerprint) if replay else ("", "")
        told = json.dumps([_given(job) for job in jobs], ensure_ascii=False)
        for _ in range(2):
            word, *answer = self._run(
                "accept", entry, longest, self._patience_ends(),
                key, fingerprint, KEY_LIVES_MS, told, batch,
                "" if credits_per_day is None else credits_per_day,
            )  # fmt: skip
            if word == "other":
                raise _key_reused()
            if word == "over":
                raise BudgetExceeded(credits_per_day or 0, *answer)
            if word == "forgotten":
                raise KeyReused("What this idempotency key was used for is no longer on record")
            if word != "late":
                return (word, answer[0], pairs(answer[1])) if answer else None
            self._clock_ahead = None  # or the two clocks have moved apart: look again, once
        raise StoreUnavailable("The job store answered too late; try again")

    def find_replay(self, replay: Replay) -> str | None:
        """Return the id of what was first accepted for a key, or None; raise KeyReused.

        Only a look, so that what is answered anyway costs nothing else; `accept` decides.
        """
        with answering():
            used = cast("str | None", self._redis.get(f"{PREFIX}idempotency:{replay.key}"))
        fingerprint, _, entry = (used or "").partition(" ")
        if used and fingerprint != replay.fingerprint:
            raise _key_reused()
        return entry or None

    def _patience_ends(self) -> int:
        """Return the moment, by the store's clock, after which no caller waits for an answer."""
        ahead = self._clock_ahead
        if ahead is None or time.monotonic() - self._clock_read > _CLOCK_SECONDS:
            with answering():
                seconds, micros = self._redis.time()
            ahead = seconds * 1000 + micros // 1000 - time.time() * 1000
            self._clock_ahead, self._clock_read = ahead, time.monotonic()
        return int(time.time() * 1000 + ahead) + PATIENCE_MS

    def check(self) -> None:
        """Raise StoreUnavailable when the store is away: before what takes longer than asking it."""
        with answering():
            self._redis.ping()

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None when there is none of this id."""
        with answering():
            record = cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}job:{job_id}"))
        return from_record(job_id, record) if record else None

    def find_by_image(self, name: str) -> Job | None:
        """Return the job whose image has this name, or None."""
        with answering():
            job_id = cast("str | None", self._redis.get(f"{PREFIX}image:{name}"))
        return self.get(job_id) if job_id else None

    def dispatch(self) -> list[str]:
        """Pick the jobs that can start by now; each must then be sent to a worker."""
        return self._ids(self._run("dispatch", self._pace.interval_ms, LOOK_AHEAD_MS))

    def claim(self, job_id: str, claim: str, lease_ms: int) -> Job | None:
        """Take a job to run it, or to ask for its result; None when it is not to be had."""
        return _job(job_id, self._run("claim", job_id, claim, lease_ms))

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        """Prolong the leases of {job id: claim}; return the ids that are no longer ours."""
        flat = [part for pair in claims.items() for part in pair]
        return self._ids(self._run("renew", lease_ms, *flat))

    def begin_call(self, job_id: str, claim: str, longest_wait_ms: int) -> Turn:
        """Ask for a slot of the provider's limit; "go" notes the call as sent.

        For a job that cooks at the provider the slot is for asking for its result.
        """
        word, ms = cast(
            "tuple[Any, int]",
            self._run(
                "begin_call",
                job_id,
                claim,
                self._pace.interval_ms,
                longest_wait_ms,
                SLOT_LATE_MS,
            ),
        )
        return Turn(word, int(ms))

    def park(self, job_id: str, provider_id: str, ms: int) -> bool:
        """Store by which id the provider knows a job that it has begun to make, and let it cook.

        In so many ms its result can be asked for, which is all that is done for it from then on. False
        when the job has ended, or another start of it is known.
        """
        return bool(self._run("park", job_id, provider_id, ms))

    def release(self, job_id: str, claim: str, why: Release) -> bool:
        """Put a running job back into the queue; return False when it is no longer ours.

        One that cooks at the provider is parked again, for the pause.
        """
        take_back = int(why.take_back_attempt)
        answer = self._run(
            "release", job_id, claim, why.pause_ms, why.counter, take_back, why.trouble
        )
        return bool(answer)

    def succeed(self, job_id: str, ttl_ms: int = 0, **fields: Any) -> bool:
        """End a job with its image, whoever made it; return False when it had ended already.

        After `ttl_ms` the image may be removed; 0: never.
        """
        return self._finish(job_id, "succeeded", "", ttl_ms, fields)

    def fail(self, job_id: str, claim: str, **fields: Any) -> bool:
        """End a job we run (or, with no claim, one that waits); return False when refused."""
        return self._finish(job_id, "failed", claim, 0, fields)

    def sweep(self, claim: str, lease_ms: int) -> Sweep:
        """Put lost messages back; adopt, under this claim, the jobs whose lease ran out."""
        put_back, orphans, overdue = cast(
            "tuple[int, Any, Any]",
            self._run("sweep", UNCLAIMED_MS, _SWEEP_MOST, claim, lease_ms),
        )
        return Sweep(put_back, self._ids(orphans), self._ids(overdue))

    def pause(self, ms: int, *, widen: bool = False) -> None:
        """Keep everybody from calling the provider for so long.

        `widen`: the provider's limit was met, and calls go further apart for a while.
        """
        self._run("pause", ms, self._pace.widen_ms if widen else 0)

    def heartbeat(self, worker: str, capacity: int, ttl_ms: int) -> None:
        """Say that a worker lives and how many jobs it can run; a ttl of 0 says good-bye."""
        self._run("heartbeat", worker, capacity, ttl_ms)

    def cancel(self, job_ids: Sequence[str]) -> int:
        """End jobs, whoever runs them; return how many of them had not ended yet.

        What a running call costs is told by `settle` when it is known.
        """
        return int(self._run("cancel", *job_ids))

    def settle(self, job_id: str, claim: str, credits: int) -> bool:
        """Tell what the call of a canceled job cost; False when that is not to be told."""
        return bool(self._run("settle", job_id, claim, credits))

    def expired(self) -> list[str]:
        """Return the jobs whose images are past their time."""
        return self._ids(self._run("expired", _SWEEP_MOST))

    def forget_image(self, job_id: str, why: str) -> bool:
        """Note that a succeeded job's image is gone ("deleted", "expired"); False when it was."""
        return bool(self._run("forget_image", job_id, why))

    def _finish(
        self, job_id: str, status: str, claim: str, ttl_ms: int, fields: Mapping[str, Any]
    ) -> bool:
        return bool(self._run("finish", job_id, status, claim, ttl_ms, *_flat(to_record(fields))))

    @staticmethod
    def _ids(answer: Any) -> list[str]:
        return [str(job_id) for job_id in answer]


_GIVEN_AT_ACCEPT = (
    "kind", "operation", "variant", "request", "metadata", "image", "input", "estimate", "request_id",
    "batch", "retry_of", "webhook",
)  # fmt: skip
_GIVEN_WITH_BATCH = ("metadata", "request_id", "webhook")


def _key_reused() -> KeyReused:
    return KeyReused("This idempotency key was used for another request")


def _given(job: Job) -> list[Any]:
    """Return what the script takes of a job: id, image, ms until its deadline, record, price."""
    fields = {"schema": SCHEMA_VERSION, **{name: getattr(job, name) for name in _GIVEN_AT_ACCEPT}}
    return [job.id, job.image, job.deadline, _flat(to_record(fields)), job.estimate]


def _flat(record: Mapping[str, str]) -> list[str]:
    return [part for pair in record.items() for part in pair]


def _job(job_id: str, record: Sequence[str]) -> Job | None:
    return from_record(job_id, pairs(record)) if record else None
