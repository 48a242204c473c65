"""What a test leaves behind fails another, long after: threads it started, sockets that listen."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakSet

import pytest

# Only what goes on for ever meets this: threads whose connections were closed end in milliseconds.
_SECONDS = 5.0
_listening: "WeakSet[socket.socket]" = WeakSet()
_kept: "WeakSet[threading.Thread | socket.socket]" = WeakSet()


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


def held() -> set[threading.Thread | socket.socket]:
    """Return the sockets that listen, and the threads without a name.

    Who gives a thread a name, as the product and libraries do, answers for it.
    """
    unnamed = {each for each in threading.enumerate() if each.name.startswith("Thread-")}
    return unnamed | {each for each in _listening if each.fileno() != -1}


@contextmanager
def kept() -> Iterator[None]:
    """Let what begins in the block outlive the test: it is a fixture's that many tests share."""
    before = held()
    yield
    _kept.update(held() - before)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Any:
    """Keep what fixtures of many tests start, however late they are asked for."""
    with nullcontext() if fixturedef.scope == "function" else kept():
        return (yield)


@contextmanager
def nothing_left(seconds: float = _SECONDS) -> Iterator[None]:
    """Fail for threads and listening sockets that outlive the block, threads by so many seconds."""
    before = held()
    yield
    end = time.monotonic() + seconds
    for each in held() - before - set(_kept):
        if isinstance(each, threading.Thread):
            each.join(max(0, end - time.monotonic()))
    left = held() - before - set(_kept)
    assert not left, f"left behind by this test: {left}"
