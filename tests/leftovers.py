"""What a test leaves behind fails another, long after: threads it started, sockets that listen."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

import pytest

# Only what goes on for ever meets this: threads whose connections were closed end in milliseconds.
_SECONDS = 5.0
_listening: "WeakSet[socket.socket]" = WeakSet()
_kept: "WeakSet[threading.Thread | socket.socket]" = WeakSet()
_begun_by: "WeakKeyDictionary[threading.Thread, threading.Thread]" = WeakKeyDictionary()


@contextmanager
def beginnings_noted() -> Iterator[None]:
    """Note every socket of this process that begins to listen, and which thread began which."""
    listen, start = socket.socket.listen, threading.Thread.start

    def noted(self: socket.socket, *backlog: Any) -> None:
        listen(self, *backlog)
        _listening.add(self)

    def begun(self: threading.Thread) -> None:
        _begun_by[self] = threading.current_thread()
        start(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "listen", noted)
        patch.setattr(threading.Thread, "start", begun)
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
    for each in _new(before):
        if isinstance(each, threading.Thread):
            each.join(max(0, end - time.monotonic()))
    left = _new(before)
    assert not left, f"left behind by this test: {left}"


def _new(before: set[threading.Thread | socket.socket]) -> set[threading.Thread | socket.socket]:
    """Return what is held since then, and by nothing that was there or is kept.

    A server that many tests share begins a thread for each caller, also in the middle of a test.
    """
    others = before | set(_kept)

    def of_others(thread: object) -> bool:
        while isinstance(thread, threading.Thread):
            if thread in others:
                return True
            thread = _begun_by.get(thread)
        return False

    return {each for each in held() - others if not of_others(each)}
