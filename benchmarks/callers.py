"""Thousands of callers in one thread, each on a connection of its own: when was each answered?"""

import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import cast

# So many come in a second: a server that is still taking them on should not be measured.
_COME_A_SECOND = 400
_LONGEST_SECONDS = 600.0


class Caller(asyncio.Protocol):
    """One request and its answer; `answered` is when the news came, in seconds since the epoch."""

    def __init__(self, path: str, stream: bool, done: asyncio.Future[None]) -> None:
        self._path = path
        self._stream = stream
        self._done = done
        self.answered = 0.0
        self.told = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        cast("asyncio.WriteTransport", transport).write(
            f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Note when the answer began; of a stream, the event that tells the end."""
        now = time.time()
        if not self.answered and (not self._stream or b'"succeeded"' in data):
            self.answered = now
        if len(self.told) < 4_000 or b'"succeeded"' in data:
            self.told += data

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note the end of the answer."""
        self._done.set_result(None)

    @property
    def ended(self) -> bool:
        """Whether the answer is over."""
        return self._done.done()


class Crowd:
    """Callers who have come, and all of whom will be answered."""

    def __init__(self, port: int, paths: Sequence[str]) -> None:
        self._port, self._paths = port, paths
        self.callers: list[Caller] = []
        self._thread = threading.Thread(target=lambda: asyncio.run(self._come()), daemon=True)
        self._thread.start()

    async def _come(self) -> None:
        loop = asyncio.get_running_loop()
        begin, ends = loop.time(), []
        for number, path in enumerate(self._paths):
            await asyncio.sleep(max(0.0, begin + number / _COME_A_SECOND - loop.time()))
            ends.append(loop.create_future())
            caller = Caller(path, path.endswith("/events"), ends[-1])
            self.callers.append(caller)
            await loop.create_connection(partial(_same, caller), "127.0.0.1", self._port)
        await asyncio.wait_for(asyncio.gather(*ends), _LONGEST_SECONDS)

    def ended(self) -> int:
        """Return how many were answered to the end, or have lost their connection."""
        return sum(caller.ended for caller in self.callers)

    def wait_for_all(self) -> None:
        """Return when every connection has ended."""
        self._thread.join()


@contextmanager
def hold(port: int, paths: Sequence[str]) -> Iterator[Crowd]:
    """Have a caller for each path."""
    yield Crowd(port, paths)


def _same(caller: Caller) -> Caller:
    return caller
