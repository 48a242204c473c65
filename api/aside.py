"""Calls that block a thread, beside the one thread in which all callers of a web process are served."""

import errno
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from gevent.event import Event
from gevent.threadpool import ThreadPool

from shared.image_store import StorageAway

T = TypeVar("T")
# A call of a bucket takes some tens of milliseconds: more than a process can serve.
_THREADS = 32
# Who would wait longer for a thread than a call may take is told so.
_PATIENCE_SECONDS = 5.0


class Aside:
    """Runs calls in real threads, while other callers are served; to be made after the fork."""

    def __init__(self) -> None:
        # not gevent's own: that one looks up names, and must not wait for a bucket
        self._pool = ThreadPool(_THREADS)
        # the pool takes calls without a thread for them, and says not for how long they wait
        self._places = _Places(_THREADS)

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the call returns; raise StorageAway when no thread is free in time."""
        if not self._places.take(_PATIENCE_SECONDS):
            raise StorageAway(errno.EAGAIN, "too slow")
        try:
            result, fault = self._pool.spawn(_outcome, call).get()
        finally:
            self._places.give_back()
        if fault:
            raise fault
        return result  # type: ignore[no-any-return]  # it is the call's


class _Places:
    """So many places, first come, first served.

    A semaphore's goes to whoever asks while those who wait are still being woken: who reads a large
    picture piece by piece would take it again and again.
    """

    def __init__(self, number: int) -> None:
        self._free = number
        self._waiting: deque[Event] = deque()

    def take(self, seconds: float) -> bool:
        """Take one; return False when none was to be had in time."""
        if self._free:
            self._free -= 1
            return True
        turn = Event()
        self._waiting.append(turn)
        try:
            turn.wait(seconds)
        except BaseException:
            self._leave(turn)
            raise
        if turn.is_set():
            return True
        self._leave(turn)
        return False

    def give_back(self) -> None:
        """Hand it to who has waited longest, so that nobody comes in between."""
        if self._waiting:
            self._waiting.popleft().set()
        else:
            self._free += 1

    def _leave(self, turn: Event) -> None:
        """Wait no more; a place that was handed over goes on to the next."""
        if turn.is_set():
            self.give_back()
        else:
            self._waiting.remove(turn)


def _outcome(call: Callable[[], T]) -> tuple[T | None, Exception | None]:
    # what a call raises there is printed, with the names of pictures in it
    try:
        return call(), None
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
        return None, fault
