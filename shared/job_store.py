"""The truth about every job, in Redis: each change is one atomic script (see `shared/lua`)."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from redis import Redis

from shared.acceptance import LOOK_AHEAD_MS, Acceptance
from shared.errors import StoreUnavailable
from shared.jobs import Job, flat, from_record, to_record
from shared.limits import NO_LIMITS, KeyLimits
from shared.moves import Pace, Release, Sweep, Trouble, Turn
from shared.schema import check_form
from shared.scripts import PREFIX, Records, answering, pairs

# A kept slot that is used later than this could meet its neighbours' and break the provider's limit.
SLOT_LATE_MS = 100
# A message that no worker took up in this time is taken for lost.
UNCLAIMED_MS = 10_000
_SWEEP_MOST = 100


class JobStore(Acceptance):
    """Jobs, their queue and their leases; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", pace: Pace, limits: KeyLimits = NO_LIMITS) -> None:
        super().__init__(redis, pace, limits)
        self._record = Records(redis).get

    def check(self) -> None:
        """Raise StoreUnavailable when the store is away: before what takes longer than asking it.

        OtherRelease, which is one, when it is a newer release's.
        """
        with answering():
            written = cast("str | None", self._redis.get(f"{PREFIX}schema"))
        check_form({"schema": written} if written else {})

    def takes_writes(self) -> bool:
        """Tell whether anything can be stored: a Redis that is full still answers, as a replica does."""
        with answering():
            self._redis.ping()
        try:
            with answering():
                self._redis.set(f"{PREFIX}probe", "", px=1_000)
        except StoreUnavailable:
            return False
        return True

    def get(self, job_id: str) -> Job | None:
        """Return a job, or None when there is none of this id."""
        record = self._record(f"{PREFIX}job:{job_id}")
        return from_record(job_id, record) if record else None

    def find_by_image(self, name: str) -> Job | None:
        """Return the job whose image has this name, or None."""
        with answering():
            job_id = cast("str | None", self._redis.get(f"{PREFIX}image:{name}"))
        return self.get(job_id) if job_id else None

    def dispatch(self) -> list[str]:
        """Pick the jobs that can start by now; each must then be sent to a worker."""
        picked = self._run("dispatch", self._pace.interval_ms, LOOK_AHEAD_MS, self._most_running)
        return self._ids(picked)

    def claim(self, job_id: str, claim: str, lease_ms: int) -> Job | None:
        """Take a job to run it, or to ask for its result; None when it is not to be had."""
        return _job(job_id, self._run("claim", job_id, claim, lease_ms, self._most_running))

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
                self._pace.window_ms,
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

    def book(self, calls: int) -> None:
        """Take slots of the provider's limit for calls that have none of their own."""
        self._run("book", calls, self._pace.interval_ms, self._pace.window_ms)

    def heartbeat(self, worker: str, capacity: int, ttl_ms: int, trouble: Trouble = "") -> None:
        """Say that a worker lives and how many jobs it can run; a ttl of 0 says good-bye.

        `trouble` is why it takes no jobs now.
        """
        self._run("heartbeat", worker, capacity, ttl_ms, trouble)

    def cancel(self, job_ids: Sequence[str]) -> int:
        """End jobs, whoever runs them; return how many of them had not ended yet.

        What a running call costs is told by `settle` when it is known.
        """
        return int(self._run("cancel", *job_ids))

    def settle(self, job_id: str, claim: str, credits: int | None) -> bool:
        """Tell that the call of a canceled job has ended, and what it cost (None: nobody knows).

        Returns False when there is no cost to be told.
        """
        return bool(self._run("settle", job_id, claim, "" if credits is None else credits))

    def expired(self) -> list[str]:
        """Return the jobs whose images are past their time."""
        return self._ids(self._run("expired", _SWEEP_MOST))

    def forget_image(self, job_id: str, why: str) -> bool:
        """Note that a succeeded job's image is gone ("deleted", "expired"); False when it was."""
        return bool(self._run("forget_image", job_id, why))

    def _finish(
        self, job_id: str, status: str, claim: str, ttl_ms: int, fields: Mapping[str, Any]
    ) -> bool:
        return bool(self._run("finish", job_id, status, claim, ttl_ms, *flat(to_record(fields))))

    @staticmethod
    def _ids(answer: Any) -> list[str]:
        return [str(job_id) for job_id in answer]


def _job(job_id: str, record: Sequence[str]) -> Job | None:
    return from_record(job_id, pairs(record)) if record else None
