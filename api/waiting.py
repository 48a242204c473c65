"""Hold an answer until a job ends or time is up, woken by the job's events and not by polling."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar, cast

from shared.batches import Batch
from shared.errors import NotFound, NotReady, StoreUnavailable
from shared.jobs import Job, new_job_id
from shared.over_limit import TooManyStreams
from shared.services import Services

MOST_FOR_ONE_IMAGE = 20
# How often a caller who waits is looked after: has it hung up, and did the last look at its job fail?
_LOOK_SECONDS = 1.0
# A batch changes with each of its jobs; its watchers are told so often at most.
_BATCH_SECONDS = 0.2
Gone = Callable[[], bool]
T = TypeVar("T", bound=Job | Batch)


@dataclass(frozen=True, slots=True)
class News:
    """What a stream tells of a job or a batch, as of a revision; nothing comes after the final one."""

    revision: int
    final: bool
    text: str


class Waiting:
    """Callers that wait in this process, at most `MAX_WAITERS`."""

    def __init__(self, services: Services) -> None:
        self._store = services.store
        self._index = services.index
        self._events = services.events
        self._most = services.settings.max_waiters
        self._held = 0
        self._lock = threading.Lock()

    def held(self) -> int:
        """Return how many callers wait in this process now."""
        return self._held

    def for_end(self, thing: T, seconds: float, gone: Gone) -> T:
        """Return a job or a batch when it has ended, or as it is when time is up or its caller gone.

        When there is no room to wait it comes back at once. Raises StoreUnavailable, at the deadline
        and not before, when the job store was away by then; NotFound when the record was removed.
        """
        if thing.terminal or seconds <= 0:
            return thing
        with self._place() as free:
            return self._hold(thing, seconds, gone) if free else thing

    def for_image(self, job: Job, seconds: float, gone: Gone) -> Job:
        """Wait as `for_end` for a caller of an image's address; raise NotReady when it is full."""
        waiter = new_job_id()
        with self._place() as free:
            ttl = round(seconds * 1000) + 1_000
            if not free or not self._index.hold(job.image, waiter, ttl, MOST_FOR_ONE_IMAGE):
                raise NotReady("Too many callers wait for this image already; try again shortly")
            try:
                return self._hold(job, seconds, gone)
            finally:
                with suppress(StoreUnavailable):  # the place is a lease and runs out by itself
                    self._index.let_go(job.image, waiter)

    def take_place(self) -> Callable[[], None]:
        """Take a place for a stream; return how to give it back. Raises TooManyStreams."""
        if not self._take():
            message = "This service holds as many streams as it can; try again shortly"
            raise TooManyStreams(message, self._most)
        return self._give_back

    def changes(
        self, thing: T, tell: Callable[[T], News], gone: Gone, heartbeat: float
    ) -> Iterator[News | None]:
        """Yield the news of each change from now on, until the end; None is a heartbeat.

        Changes that follow each other too fast to be read are told as one; what can't be told while
        the job store is away is told when it is back. Ends early when the caller has gone or this
        process stops: whoever watches comes back with what it has seen. Ends too with the record.
        """
        with suppress(NotFound):
            yield from self._news(thing, tell, gone, heartbeat)

    def _news(
        self, thing: T, tell: Callable[[T], News], gone: Gone, heartbeat: float
    ) -> Iterator[News | None]:
        seen, last = thing.revision, time.monotonic()
        for now in self._looks(thing, gone, every=min(heartbeat, _LOOK_SECONDS), fresh=heartbeat):
            news = None
            if now.revision > seen:
                with suppress(StoreUnavailable):
                    news = tell(now)
            if news:
                seen, last = news.revision, time.monotonic()
                yield news
                if news.final:
                    return
                if isinstance(now, Batch):
                    time.sleep(_BATCH_SECONDS)
            elif time.monotonic() - last >= heartbeat:
                last = time.monotonic()
                yield None

    def _read(self, thing: T) -> T:
        read = self._index.batch if isinstance(thing, Batch) else self._store.get
        found = cast("T | None", read(thing.id))
        if found is None:
            raise NotFound("Its record is no longer kept")
        return found

    @contextmanager
    def _place(self) -> Iterator[bool]:
        free = self._take()
        try:
            yield free
        finally:
            if free:
                self._give_back()

    def _take(self) -> bool:
        with self._lock:
            free = self._held < self._most
            self._held += free
            return free

    def _give_back(self) -> None:
        with self._lock:
            self._held -= 1

    def _hold(self, thing: T, seconds: float, gone: Gone) -> T:
        deadline = time.monotonic() + seconds
        for now in self._looks(thing, gone, deadline):
            if now.terminal:
                return now
        return thing if gone() else self._read(thing)

    def _looks(
        self,
        thing: T,
        gone: Gone,
        deadline: float = math.inf,
        every: float = _LOOK_SECONDS,
        fresh: float = math.inf,
    ) -> Iterator[T]:
        """Yield a job or a batch as it is known at each look, until there is no reason to look again.

        The record is read after an event, when it is no longer `fresh` (seconds), and again soon when
        that failed: the store was away, or asked by too many at once. Raises NotFound when it is gone.
        """
        read = -math.inf
        with self._events.watch(thing.id) as event:
            while (left := deadline - time.monotonic()) > 0 and not self._events.closed:
                changed = event.wait(min(left, every))
                if gone():
                    return
                if changed or time.monotonic() - read >= fresh:
                    event.clear()
                    read = -math.inf
                    with suppress(StoreUnavailable):
                        thing = self._read(thing)
                        read = time.monotonic()
                yield thing
