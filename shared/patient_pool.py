"""Connections to Redis for more callers than there are: they queue as long as Redis answers."""

import time
from queue import Empty, LifoQueue
from typing import Any

from redis import BlockingConnectionPool

# Who has queued for so long is turned away although others are answered.
_LONGEST_SECONDS = 10.0


class _Line(LifoQueue[Any]):
    """Free connections, and who waits for one."""

    answered = 0.0

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Take a connection back; one that still stands has been answered."""
        if item is not None and item.is_connected:
            self.answered = time.monotonic()
        super().put(item, block, timeout)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Return a connection; raise Empty when none came back in good order for `timeout` seconds."""
        begun = time.monotonic()
        if not block or timeout is None:
            return super().get(block, timeout)
        while True:
            try:
                return super().get(timeout=timeout)
            except Empty:
                now = time.monotonic()
                if now - self.answered > timeout or now - begun > _LONGEST_SECONDS:
                    raise


class PatientPool(BlockingConnectionPool):
    """A pool that tells from those it has lent whether waiting for one is in vain.

    A crowd that asks at one moment may need longer than the time-out of a command, on a busy machine,
    and would be told that Redis is away. `timeout`: seconds without any answer after which it is.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(queue_class=_Line, **options)  # type: ignore[no-untyped-call]
