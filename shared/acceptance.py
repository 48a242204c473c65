"""The job store's door: what is accepted, under which limits, and what comes again."""

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

from redis import Redis

from shared.batches import Batch, from_batch_record
from shared.errors import KeyReused, StoreUnavailable
from shared.jobs import Job, flat, from_record, to_record
from shared.limits import NO_LIMITS, KeyLimits
from shared.moves import Accepted, AcceptedBatch, Pace, Replay, outlook_of
from shared.over_limit import BudgetExceeded, KeyBudgetExceeded, KeyQueueFull, QueueFull
from shared.schema import SCHEMA_VERSION
from shared.scripts import PREFIX, Scripts, answering, pairs

# The time-out of a command (see services.py): by then its caller has had a 503.
PATIENCE_MS = 1_000
KEY_LIVES_MS = 86_400_000
# A free worker's jobs are dispatched for the slots of so many ms, no further: whoever comes first in the
# queue waits behind them. Above a worker's tick (500), so that no slot passes by between two of them.
LOOK_AHEAD_MS = 750
# How long the difference between this machine's clock and the store's is taken for known.
_CLOCK_SECONDS = 30.0


class Acceptance:
    """Take jobs in, all or none; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace, limits: KeyLimits = NO_LIMITS) -> None:
        self._redis = redis
        self._pace = pace
        self._limits = limits
        self._most_running = limits.running
        self._clock_ahead: float | None = None
        self._clock_read = 0.0
        self._run = Scripts(redis).run

    def accept(
        self,
        job: Job,
        longest_queue: int,
        replay: Replay | None = None,
        credits_per_day: int | None = None,
        *,
        start: bool = False,
        place: bool = False,
    ) -> Accepted:
        """Store a new job and queue it; return it as stored.

        `start`: jobs that can start by now, this one or others, start in the same step, as by
        `dispatch`; each must then be sent to a worker. `place`: tell where the job stands then.

        `job.deadline` is in ms from now; the store sets its times by its own clock. A key that was used
        for the same gives the first job again, whatever the limits; for another, KeyReused is raised.
        Raises QueueFull, or BudgetExceeded when the day's jobs may not cost so much (thousandths of a
        credit): of all, or of the job's owner.
        """
        limits = (longest_queue, credits_per_day)
        also = (int(start), int(place))
        word, job_id, told, *more = self._accept(job.id, [job], "", limits, replay, also)
        if word == "replayed":
            return Accepted(from_record(job_id, pairs(told)), replayed=True)
        stored = _new(job, told) if word == "new" else from_record(job_id, pairs(told))
        started, outlook = more
        return Accepted(stored, False, tuple(started), outlook_of(outlook) if outlook else None)

    def accept_batch(
        self,
        batch: Batch,
        jobs: Sequence[Job],
        longest_queue: int,
        replay: Replay | None = None,
        credits_per_day: int | None = None,
        *,
        start: bool = False,
    ) -> AcceptedBatch:
        """Store and queue all jobs of a batch or, as `accept` does, none."""
        fields = to_record({"schema": SCHEMA_VERSION, "jobs": " ".join(job.id for job in jobs)})
        fields |= to_record({name: getattr(batch, name) for name in _GIVEN_WITH_BATCH})
        given = json.dumps(flat(fields), ensure_ascii=False)
        limits = (longest_queue, credits_per_day)
        also = (int(start), 0)
        word, batch_id, told, *more = self._accept(batch.id, jobs, given, limits, replay, also)
        if word == "replayed":
            return AcceptedBatch(from_batch_record(batch_id, pairs(told)), replayed=True)
        # told as of its acceptance, as its jobs are, also when that was a moment ago
        created = told if word == "new" else pairs(told)["created"]
        begun = {"revision": "1", "created": str(created), "queued": str(len(jobs))}
        stored = from_batch_record(batch_id, fields | begun)
        accepted = tuple(_new(job, stored.created) for job in jobs)
        return AcceptedBatch(stored, False, accepted, tuple(more[0]))

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

    def _accept(
        self,
        entry: str,
        jobs: Sequence[Job],
        batch: str,
        limits: tuple[int, int | None],
        replay: Replay | None,
        also: tuple[int, int],
    ) -> list[Any]:
        key, fingerprint = (replay.key, replay.fingerprint) if replay else ("", "")
        told = json.dumps([_given(job) for job in jobs], ensure_ascii=False)
        owner = jobs[0].owner
        for _ in range(2):
            word, *answer = self._run(
                "accept", entry, owner, self._told(owner, limits), self._patience_ends(),
                key, fingerprint, KEY_LIVES_MS, told, batch,
                self._pace.interval_ms, LOOK_AHEAD_MS, self._most_running, *also,
            )  # fmt: skip
            if word in {"new", "ok", "replayed"}:
                return [word, *answer]
            if word != "late":
                raise self._refusal(word, answer, owner, limits)
            self._clock_ahead = None  # or the two clocks have moved apart: look again, once
        raise StoreUnavailable("The job store answered too late; try again")

    def _told(self, owner: str, limits: tuple[int, int | None]) -> str:
        """Return the limits as the script takes them; what is None is no limit."""
        own = self._limits.of(owner)
        most, credits = limits
        told = {
            "queued": most,
            "credits": credits,
            "own_queued": own.queued,
            "own_credits": own.credits_per_day,
        }
        return json.dumps({name: value for name, value in told.items() if value is not None})

    def _refusal(
        self, word: str, answer: Sequence[Any], owner: str, limits: tuple[int, int | None]
    ) -> Exception:
        if word == "other":
            return _key_reused()
        if word == "forgotten":
            return KeyReused("What this idempotency key was used for is no longer on record")
        whose, *told = answer
        if whose == "key":
            own = self._limits.of(owner)
            if word == "full":
                return KeyQueueFull(own.queued or 0, *told)
            return KeyBudgetExceeded(own.credits_per_day or 0, *told)
        return (
            QueueFull(limits[0], *told) if word == "full" else BudgetExceeded(limits[1] or 0, *told)
        )

    def _patience_ends(self) -> int:
        """Return the moment, by the store's clock, after which no caller waits for an answer."""
        ahead = self._clock_ahead
        if ahead is None or time.monotonic() - self._clock_read > _CLOCK_SECONDS:
            with answering():
                seconds, micros = self._redis.time()
            ahead = seconds * 1000 + micros // 1000 - time.time() * 1000
            self._clock_ahead, self._clock_read = ahead, time.monotonic()
        return int(time.time() * 1000 + ahead) + PATIENCE_MS


_GIVEN_AT_ACCEPT = (
    "kind", "operation", "variant", "request", "metadata", "image", "input", "estimate", "request_id",
    "batch", "retry_of", "webhook", "owner",
)  # fmt: skip
_GIVEN_WITH_BATCH = ("metadata", "request_id", "webhook", "owner")


def _key_reused() -> KeyReused:
    return KeyReused("This idempotency key was used for another request")


def _new(job: Job, created: int) -> Job:
    """Return a job that was accepted at this moment, as it is stored."""
    deadline = created + job.deadline
    return replace(job, created=created, deadline=deadline, metadata=job.metadata or None)


def _given(job: Job) -> list[Any]:
    """Return what the script takes of a job: id, image, ms until its deadline, record, price, kind."""
    fields = {"schema": SCHEMA_VERSION, **{name: getattr(job, name) for name in _GIVEN_AT_ACCEPT}}
    record = flat(to_record(fields))
    return [job.id, job.image, job.deadline, record, job.estimate, job.kind]
