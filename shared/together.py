"""Reads that are made together: who asks while one is under way shares the next with all who do."""

import math
import threading
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from shared.errors import StoreUnavailable

T = TypeVar("T")
# Reading more at once would keep other callers of a process from their turn.
_MOST = 100


class _Round(Generic[T]):
    """What is read by one call."""

    def __init__(self) -> None:
        self.ids: dict[str, None] = {}
        self.begun = time.monotonic()
        self.found: dict[str, T] = {}
        self.fault: Exception | None = None
        self.done = threading.Event()


class Together(Generic[T]):
    """Read what is known by ids, for any number of callers, by one call at a time.

    `read` gives what it finds in the order of the ids. It begins after it was asked for: whoever heard
    of a change sees it. Nobody who finds it idle waits for others.
    """

    def __init__(self, read: Callable[[Sequence[str]], Sequence[T]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._next: _Round[T] = _Round()
        self.waiting = 0  # who asks, or waits for what it has asked for
        self._away = ""
        self._failed = -math.inf

    def get(self, name: str) -> T:
        """Return what is known by an id; raise what reading it raises."""
        with self._lock:
            if len(self._next.ids) >= _MOST:
                self._next = _Round()
            mine = self._next
            first = not mine.ids
            if first:
                mine.begun = time.monotonic()
            mine.ids[name] = None
            self.waiting += 1
        try:
            if first:
                self._lead(mine)
            else:
                mine.done.wait()
        finally:
            with self._lock:
                self.waiting -= 1
        if mine.fault:
            raise mine.fault
        return mine.found[name]

    def _lead(self, mine: _Round[T]) -> None:
        mine.fault = StoreUnavailable("The read was given up; try again")  # who leads may be ended
        try:
            with self._reading:
                self._close(mine)
                mine.found, mine.fault = self._of(mine), None
        except Exception as fault:  # noqa: BLE001 - each of those who asked raises it
            mine.fault = fault
        finally:
            self._close(mine)
            mine.done.set()

    def _close(self, mine: _Round[T]) -> None:
        """Let who asks from now on share the next read."""
        with self._lock:
            if self._next is mine:
                self._next = _Round()

    def _of(self, mine: _Round[T]) -> dict[str, T]:
        # who asked while the read before this one failed would only wait as long again to be told that
        if self._failed >= mine.begun:
            raise StoreUnavailable(self._away)
        try:
            return dict(zip(mine.ids, self._read(list(mine.ids)), strict=True))
        except StoreUnavailable as fault:
            self._away, self._failed = fault.message, time.monotonic()
            raise
