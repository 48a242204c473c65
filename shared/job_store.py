"""The truth about every job, in Redis: each change is one atomic script (see `shared/lua`)."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.exceptions import (
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from shared.errors import KeyReused, StoreUnavailable
from shared.jobs import SCHEMA_VERSION, Job, from_record, to_record
from shared.moves import Accepted, Depth, Pace, Release, Replay, Sweep, Turn

PREFIX = "images:"
# A free worker's jobs are dispatched for the slots of the next two seconds, no further: the order of
# the rest is decided as late as possible.
LOOK_AHEAD_MS = 2_000
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
_SCRIPTS = Path(__file__).parent / "lua"


class JobStore:
    """Jobs, their queue and their leases; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace) -> None:
        self._redis = redis
        self._pace = pace
        self._clock_ahead: float | None = None
        self._clock_read = 0.0
        common = (_SCRIPTS / "common.lua").read_text()
        self._scripts = {
            path.stem: redis.register_script(f"{common}\n{path.read_text()}")
            for path in _SCRIPTS.glob("*.lua")
            if path.stem != "common"
        }

    def accept(self, job: Job, longest_queue: int, replay: Replay | None = None) -> Accepted | None:
        """Store a new job and queue it; return it as stored, or None when the queue is full.

        `job.deadline` is in ms from now; the store sets its times by its own clock. A key that was used
        for the same gives the first job again, whatever the queue; for another, KeyReused is raised.
        """
        key, fingerprint = (replay.key, replay.fingerprint) if replay else ("", "")
        fields = to_record(
            {
                "schema": SCHEMA_VERSION,
                **{name: getattr(job, name) for name in _GIVEN_AT_ACCEPT},
            }
        )
        flat = [part for pair in fields.items() for part in pair]
        for _ in range(2):
            told = (longest_queue, job.deadline, self._patience_ends())
            used = (key, fingerprint, KEY_LIVES_MS)
            word, *answer = self._run("accept", job.id, job.image, *told, *used, *flat)
            if word == "other":
                raise _key_reused()
            if word != "late":
                return _accepted(word, *answer)
            self._clock_ahead = None  # or the two clocks have moved apart: look again, once
        raise StoreUnavailable("The job store answered too late; try again")

    def find_replay(self, replay: Replay) -> Job | None:
        """Return the job that was first accepted for a key, or None; raise KeyReused.

        Only a look, so that what is answered anyway costs nothing else; `accept` decides.
        """
        with _answering():
            used = cast("str | None", self._redis.get(f"{PREFIX}idempotency:{replay.key}"))
        fingerprint, _, job_id = (used or "").partition(" ")
        if used and fingerprint != replay.fingerprint:
            raise _key_reused()
        return self.get(job_id) if used else None

    def _patience_ends(self) -> int:
        """Return the moment, by the store's clock, after which no caller waits for an answer."""
        ahead = self._clock_ahead
        if ahead is None or time.monotonic() - self._clock_read > _CLOCK_SECONDS:
            with _answering():
                seconds, micros = self._redis.time()
            ahead = seconds * 1000 + micros // 1000 - time.time() * 1000
            self._clock_ahead, self._clock_read = ahead, time.monotonic()
        return int(time.time() * 1000 + ahead) + PATIENCE_MS

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None when there is none of this id."""
        with _answering():
            record = cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}job:{job_id}"))
        return from_record(job_id, record) if record else None

    def find_by_image(self, name: str) -> Job | None:
        """Return the job whose image has this name, or None."""
        with _answering():
            job_id = cast("str | None", self._redis.get(f"{PREFIX}image:{name}"))
        return self.get(job_id) if job_id else None

    def dispatch(self) -> list[str]:
        """Pick the jobs that can start by now; each must then be sent to a worker."""
        return self._ids(self._run("dispatch", self._pace.interval_ms, LOOK_AHEAD_MS))

    def claim(self, job_id: str, claim: str, lease_ms: int) -> Job | None:
        """Take a queued job to run it; return it, or None when it is not to be had."""
        return _job(job_id, self._run("claim", job_id, claim, lease_ms))

    def renew(self, claims: Mapping[str, str], lease_ms: int) -> list[str]:
        """Prolong the leases of {job id: claim}; return the ids that are no longer ours."""
        flat = [part for pair in claims.items() for part in pair]
        return self._ids(self._run("renew", lease_ms, *flat))

    def begin_call(self, job_id: str, claim: str, longest_wait_ms: int) -> Turn:
        """Ask for a slot of the provider's limit; "go" notes the call as sent."""
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

    def release(self, job_id: str, claim: str, why: Release) -> bool:
        """Put a running job back into the queue; return False when it is no longer ours."""
        take_back = int(why.take_back_attempt)
        answer = self._run(
            "release", job_id, claim, why.pause_ms, why.counter, take_back, why.trouble
        )
        return bool(answer)

    def succeed(self, job_id: str, **fields: Any) -> bool:
        """End a job with its image, whoever made it; return False when it had ended already."""
        return self._finish(job_id, "succeeded", "", fields)

    def fail(self, job_id: str, claim: str, **fields: Any) -> bool:
        """End a job we run (or, with no claim, one that waits); return False when refused."""
        return self._finish(job_id, "failed", claim, fields)

    def sweep(self, claim: str, lease_ms: int) -> Sweep:
        """Put lost messages back; adopt, under this claim, the jobs whose lease ran out."""
        put_back, orphans, overdue = cast(
            "tuple[int, Any, Any]",
            self._run("sweep", UNCLAIMED_MS, _SWEEP_MOST, claim, lease_ms),
        )
        return Sweep(put_back, self._ids(orphans), self._ids(overdue))

    def pause(self, ms: int) -> None:
        """Keep everybody from calling the provider for so long."""
        self._run("pause", ms)

    def heartbeat(self, worker: str, capacity: int, ttl_ms: int) -> None:
        """Say that a worker lives and how many jobs it can run; a ttl of 0 says good-bye."""
        self._run("heartbeat", worker, capacity, ttl_ms)

    def depth(self) -> Depth:
        """Return how long the queue is."""
        with _answering(), self._redis.pipeline(transaction=False) as pipe:
            for place in ("queued", "delayed", "dispatched", "running"):
                pipe.zcard(f"{PREFIX}{place}")
            *waiting, running = cast("list[int]", pipe.execute())
        return Depth(sum(waiting), running)

    def live_workers(self) -> int:
        """Return how many workers have a heartbeat that still counts."""
        with _answering():
            seconds, micros = self._redis.time()
            now = seconds * 1000 + micros // 1000
            return self._redis.zcount(f"{PREFIX}workers", now, "+inf")

    def paused_ms(self) -> int:
        """Return for how long nobody calls the provider, 0 when calls go out."""
        with _answering():
            seconds, micros = self._redis.time()
            until = float(cast("str", self._redis.get(f"{PREFIX}pace:paused_until")) or 0)
            return max(0, int(until) - (seconds * 1000 + micros // 1000))

    def hold(self, image: str, waiter: str, ttl_ms: int, most: int) -> bool:
        """Take one of the places to wait for an image, over all processes; False when full."""
        return bool(self._run("hold", image, waiter, ttl_ms, most))

    def let_go(self, image: str, waiter: str) -> None:
        """Give a place to wait back."""
        with _answering():
            self._redis.zrem(f"{PREFIX}waiters:{image}", waiter)

    def _finish(self, job_id: str, status: str, claim: str, fields: Mapping[str, Any]) -> bool:
        flat = [part for pair in to_record(fields).items() for part in pair]
        return bool(self._run("finish", job_id, status, claim, *flat))

    def _run(self, script: str, *args: str | int | float) -> Any:
        with _answering():
            return self._scripts[script](keys=[PREFIX], args=list(args))

    @staticmethod
    def _ids(answer: Any) -> list[str]:
        return [str(job_id) for job_id in answer]


_GIVEN_AT_ACCEPT = (
    "kind", "operation", "variant", "request", "metadata", "image", "input", "estimate", "request_id",
)  # fmt: skip


def _key_reused() -> KeyReused:
    return KeyReused("This idempotency key was used for another request")


def _accepted(word: str, job_id: str = "", record: Sequence[str] = ()) -> Accepted | None:
    job = _job(job_id, record)
    return Accepted(job, word == "replayed") if job else None


def _job(job_id: str, record: Sequence[str]) -> Job | None:
    pairs = iter(record)
    return from_record(job_id, dict(zip(pairs, pairs, strict=True))) if record else None


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except ResponseError as error:
        # a script that fails is a defect, and must not look like an outage
        # redis-py strips the code of the errors it has a class for
        away = isinstance(error, (ReadOnlyError, MasterDownError, OutOfMemoryError))
        if not away and not any(word in str(error) for word in _NO_SERVICE):
            raise
        raise StoreUnavailable("The job store can't take anything now; try again") from error
    except RedisError as error:
        raise StoreUnavailable("The job store does not answer; try again shortly") from error


# Redis is full, can't write its file, is a replica, or still reads its file.
_NO_SERVICE = (
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOREPLICAS",
    "BUSY ",
    "command not allowed",
)
