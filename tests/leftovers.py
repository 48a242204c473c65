"""What a test leaves behind fails another, long after: threads it started, sockets that listen."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet

import pytest

# Only what goes on for ever meets this: threads whose connections were closed end in milliseconds.
_SECONDS = 5.0
_listening: "WeakSet[socket.socket]" = WeakSet()


@contextmanager
def listeners_noted() -> Iterator[None]:
    """Note every socket of this process that begins to listen."""
    real = socket.socket.listen

    def noted(self: socket.socket, *backlog: Any) -> None:
        real(self, *backlog)
        _listening.add(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "listen", noted)
        yield


def running() -> set[threading.Thread]:
    """Return the threads without a name; who gives one (the product, a library) answers for it."""
    return {each for each in threading.enumerate() if each.name.startswith("Thread-")}


def listening() -> set[socket.socket]:
    """Return the sockets that listen."""
    return {each for each in _listening if each.fileno() != -1}


@contextmanager
def nothing_left(seconds: float = _SECONDS) -> Iterator[None]:
    """Fail for threads and listening sockets that outlive the block, threads by so many seconds."""
    threads, sockets = running(), listening()
    yield
    end = time.monotonic() + seconds
    for thread in running() - threads:
        thread.join(max(0, end - time.monotonic()))
    left = [*(running() - threads), *(listening() - sockets)]
    assert not left, f"left behind by this test: {left}"
