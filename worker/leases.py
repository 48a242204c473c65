"""The leases of the jobs that this process runs, renewed together as long as the process lives."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from shared.errors import StoreUnavailable
from shared.job_store import JobStore

LEASE_MS = 30_000
RENEW_SECONDS = 5.0
_AGAIN_SECONDS = 0.5
_REMEMBER_SECONDS = 600.0
# `time.monotonic` stands still on most systems while the machine is suspended, and leases run on.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
T = TypeVar("T")


def lease_clock() -> float:
    """Return the seconds of a clock that nobody sets, and that no freeze of this machine can fool."""
    return time.clock_gettime(_CLOCK)


class LeaseLost(Exception):
    """A lease ran out unnoticed, this process was frozen: the call may be another's, and is not sent."""


@dataclass(slots=True)
class Lease:
    """One job's lease; `renewed` is by `lease_clock`.

    `sent` is whether the provider may have had the call.
    """

    claim: str
    renewed: float
    sent: bool = False

    def alive(self) -> bool:
        """Tell whether nobody else can have taken the job over by now."""
        return (lease_clock() - self.renewed) * 1000 < LEASE_MS

    def ensure_alive(self) -> None:
        """Raise LeaseLost when it is not."""
        if not self.alive():
            raise LeaseLost


def insist(step: Callable[[], T], worthwhile: Callable[[], bool]) -> T:
    """Ask the job store again while it is away, as long as that is worthwhile.

    What is known about a paid call must not be forgotten because Redis restarts; every script does
    no harm when it runs twice.
    """
    while True:
        try:
            return step()
        except StoreUnavailable:
            if not worthwhile():
                raise
            time.sleep(_AGAIN_SECONDS)


def for_a_while(seconds: float | None = None) -> Callable[[], bool]:
    """Return a question that says yes for some minutes: the claim fences what comes too late."""
    end = time.monotonic() + (_REMEMBER_SECONDS if seconds is None else seconds)
    return lambda: time.monotonic() < end


class Leases:
    """Keep the leases of running jobs alive; `renew` is called every few seconds."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        # no renewal may come behind the end of all leases
        self._renewing = threading.Lock()
        self._running: dict[str, Lease] = {}
        self._given_up = False

    @contextmanager
    def keep(self, job_id: str, lease: Lease) -> Iterator[Lease]:
        """Renew a job's lease until the block ends."""
        with self._lock:
            self._running[job_id] = lease
        try:
            yield lease
        finally:
            with self._lock:
                if self._running.get(job_id) is lease:
                    del self._running[job_id]

    def running(self) -> dict[str, Lease]:
        """Return the leases of the jobs that run now, by job id."""
        with self._lock:
            return dict(self._running)

    def give_up(self) -> None:
        """End every lease now, so that others take these jobs up at once; may raise StoreUnavailable.

        For a process that is about to end in the middle of its calls.
        """
        with self._renewing:
            self._given_up, running = True, self.running()
            for lease in running.values():
                lease.renewed = -math.inf  # what was not sent by now is another's
            self._store.renew(_claims(running), 0)

    def renew(self, *, only_sent: bool = False) -> None:
        """Prolong every lease that is still ours, or of what was sent; may raise StoreUnavailable."""
        with self._renewing:
            running = {
                job_id: lease
                for job_id, lease in self.running().items()
                if lease.sent or not only_sent
            }
            if not running or self._given_up:
                return
            begun = lease_clock()
            lost = set(self._store.renew(_claims(running), LEASE_MS))
            for job_id, lease in running.items():
                if job_id not in lost:
                    lease.renewed = begun


def _claims(running: Mapping[str, Lease]) -> dict[str, str]:
    return {job_id: lease.claim for job_id, lease in running.items()}
