"""Calls that block a thread, beside the one thread in which all callers of a web process are served."""

import errno
from collections.abc import Callable
from typing import TypeVar

import gevent
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

    def __call__(self, call: Callable[[], T]) -> T:
        """Return what the call returns; raise StorageAway when no thread is free in time."""
        with gevent.Timeout(_PATIENCE_SECONDS, StorageAway(errno.EAGAIN, "too slow")):
            running = self._pool.spawn(call)
        result: T = running.get()
        return result
