"""Hold an answer until a job ends or time is up, woken by the job's events and not by polling."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from shared.errors import NotReady, StoreUnavailable
from shared.jobs import Job, new_job_id
from shared.services import Services

MOST_FOR_ONE_IMAGE = 20
# How often a caller who waits is looked after: has it hung up, and did the last look at its job fail?
_LOOK_SECONDS = 1.0
Gone = Callable[[], bool]


class Waiting:
    """Callers that wait in this process, at most `MAX_WAITERS`."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._events = services.events
        self._most = services.settings.max_waiters
        self._held = 0
        self._lock = threading.Lock()

    def for_end(self, job: Job, seconds: float, gone: Gone) -> Job:
        """Return the job when it has ended, or as it is when the time is up or its caller is gone.

        When there is no room to wait it comes back at once. Raises StoreUnavailable, at the deadline
        and not before, when the job store was away by then.
        """
        if job.terminal or seconds <= 0:
            return job
        with self._place() as free:
            return self._hold(job, seconds, gone) if free else job

    def for_image(self, job: Job, seconds: float, gone: Gone) -> Job:
        """Wait as `for_end` for a caller of an image's address; raise NotReady when it is full."""
        waiter = new_job_id()
        with self._place() as free:
            ttl = round(seconds * 1000) + 1_000
            if not free or not self._store.hold(job.image, waiter, ttl, MOST_FOR_ONE_IMAGE):
                raise NotReady("Too many callers wait for this image already; try again shortly")
            try:
                return self._hold(job, seconds, gone)
            finally:
                with suppress(StoreUnavailable):  # the place is a lease and runs out by itself
                    self._store.let_go(job.image, waiter)

    @contextmanager
    def _place(self) -> Iterator[bool]:
        with self._lock:
            free = self._held < self._most
            self._held += free
        try:
            yield free
        finally:
            with self._lock:
                self._held -= free

    def _hold(self, job: Job, seconds: float, gone: Gone) -> Job:
        deadline = time.monotonic() + seconds
        current = False
        with self._events.watch(job.id) as event:
            while (left := deadline - time.monotonic()) > 0 and not self._events.closed:
                changed = event.wait(min(left, _LOOK_SECONDS))
                if gone():
                    return job
                if current and not changed:
                    continue
                event.clear()
                # away in the middle of a wait, or asked by too many at once: hold on, look again soon
                current = False
                with suppress(StoreUnavailable):
                    job = self._store.get(job.id) or job
                    if job.terminal:
                        return job
                    current = True
        return self._store.get(job.id) or job
