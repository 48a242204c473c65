"""Calls that block a thread, beside the one thread in which all callers of a web process are served."""

import errno
from collections.abc import Callable
from typing import TypeVar

from gevent.lock import Semaphore
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
        self._free = Semaphore(_THREADS)

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the call returns; raise StorageAway when no thread is free in time."""
        if not self._free.acquire(timeout=_PATIENCE_SECONDS):
            raise StorageAway(errno.EAGAIN, "too slow")
        try:
            result, fault = self._pool.spawn(_outcome, call).get()
        finally:
            self._free.release()
        if fault:
            raise fault
        return result  # type: ignore[no-any-return]  # it is the call's


def _outcome(call: Callable[[], T]) -> tuple[T | None, Exception | None]:
    # what a call raises there is printed, with the names of pictures in it
    try:
        return call(), None
    except Exception as fault:  # noqa: BLE001 - whatever it is, it is raised where it is waited for
        return None, fault
