"""What goes into the job store and comes out of it, besides jobs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.batches import Batch
from shared.jobs import Job
from shared.setting_types import Rate

_LEAST_GUARD_MS = 100
# Why a worker takes no jobs: it can keep no images, or alone does not reach the provider.
Trouble = Literal["", "storage_error", "provider_unavailable"]


@dataclass(frozen=True, slots=True)
class Pace:
    """How far apart provider calls are, in ms.

    Even spacing keeps any window under the limit, which a bucket that refills does not; the guard
    stands for what may pass between a slot's grant and the call's arrival. When the limit is met all the
    same, calls go `widen_ms` further apart: as if the guard were twice as long. `window_ms` is the
    limit's own, of which it is told how many calls went out.
    """

    interval_ms: float
    widen_ms: float = 0
    window_ms: int = 10_000

    @classmethod
    def of(cls, rate: Rate, guard_ms: int) -> "Pace":
        """Return the spacing that keeps to a rate, `guard_ms` longer than its window."""
        widen_ms = max(guard_ms, _LEAST_GUARD_MS) / rate.calls
        window_ms = rate.seconds * 1000
        return cls((window_ms + guard_ms) / rate.calls, widen_ms, window_ms)


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker may do about its call: go, wait (ms), try later (ms), or stop (stale).

    The ms of a "go" tell how long ago the job was sent, when it cooks at the provider.
    """

    word: Literal["go", "wait", "later", "stale"]
    ms: int


@dataclass(frozen=True, slots=True)
class Replay:
    """By what the store knows a request that comes again: who sent it where, and what it asks for."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """A queued job's place in the queue, from 1, and when its image is expected, in ms from now.

    None is unknown: the job pauses, or nothing like it was made lately. `holdup` is the code of what
    keeps it from being started now: "paused" by the operator, whose `reason` is told, "rate_limited",
    why the breaker is not closed, or "storage_error" when workers live and none can keep an image, these
    for all jobs; or "key_running", when as many of its owner's run as may.
    """

    position: int | None = None
    eta_ms: int | None = None
    holdup: str = ""
    reason: str = ""


def outlook_of(told: Sequence[str]) -> Outlook:
    """Return an outlook as a script tells it."""
    position, eta_ms, *held = told
    return Outlook(_number(position), _number(eta_ms), *held)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that was accepted, now or (`replayed`) when the same request came first.

    `started` are the ids of jobs that started in the same step, this one or others; each must be sent to
    a worker. `outlook` is where the job stood then, if that was asked for.
    """

    job: Job
    replayed: bool
    started: tuple[str, ...] = ()
    outlook: Outlook | None = None

    @property
    def thing(self) -> Job:
        """What was accepted."""
        return self.job

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of the batch that this is not."""
        return ()


@dataclass(frozen=True, slots=True)
class AcceptedBatch:
    """A batch that was accepted, now (with its `jobs`) or when the same request came first.

    `started` as of a job.
    """

    batch: Batch
    replayed: bool
    jobs: tuple[Job, ...] = ()
    started: tuple[str, ...] = ()

    @property
    def thing(self) -> Batch:
        """What was accepted."""
        return self.batch


@dataclass(frozen=True, slots=True)
class Depth:
    """How many jobs wait for their turn, and how many run."""

    waiting: int
    running: int


@dataclass(frozen=True, slots=True)
class Release:
    """Why a job goes back into the queue: the pause before its next try and what it counts."""

    pause_ms: int = 0
    counter: Literal["", "unknown", "unreached"] = ""
    take_back_attempt: bool = False
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Sweep:
    """What a sweep found: messages put back, jobs of lost workers, jobs past their deadline."""

    put_back: int
    orphans: list[str]
    overdue: list[str]


def _number(told: str) -> int | None:
    return int(told) if told else None
