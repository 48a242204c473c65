"""Thousands of callers in a process of their own, each on a connection: when was each answered?"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import cast

from benchmarks.processes import Channel, beside

# So many come in a second: a server that is still taking them on should not be measured.
_COME_A_SECOND = 600
_LONGEST_SECONDS = 300.0
_LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Ask:
    """What a caller asks for, and what an answer must hold, the latter when it is over."""

    path: str
    holds: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Answers:
    """When each caller was answered (seconds since the epoch, 0: never), and whether rightly.

    `late` is by how many seconds the callers' own process was behind its clock, looked at all the time
    since the last of them had come: by no more than that was an answer noted too late.
    """

    moments: Sequence[float]
    right: Sequence[bool]
    late: Sequence[float]


class Caller(asyncio.Protocol):
    """One request and its answer; `answered` is when the news came, in seconds since the epoch."""

    def __init__(self, ask: Ask, done: asyncio.Future[None]) -> None:
        self._ask = ask
        self._stream = ask.path.endswith("/events")
        self._done = done
        self._transport: asyncio.WriteTransport | None = None
        self.answered = 0.0
        self._told = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast("asyncio.WriteTransport", transport)
        head = f"GET {self._ask.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        self._transport.write(head.encode())

    def leave(self) -> None:
        """Close the connection, answered or not."""
        if self._transport:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Note when the answer began; of a stream, the event that tells the end."""
        now = time.time()
        if not self.answered and (not self._stream or b'"succeeded"' in data):
            self.answered = now
        if len(self._told) < 4_000 or b'"succeeded"' in data:
            self._told += data

    def connection_lost(self, _exc: Exception | None) -> None:
        """Note the end of the answer."""
        self._done.set_result(None)

    @property
    def ended(self) -> bool:
        """Whether the answer is over."""
        return self._done.done()

    @property
    def right(self) -> bool:
        """Whether the answer is what it should be."""
        told = bytes(self._told)
        return told.startswith(b"HTTP/1.1 200 ") and all(part in told for part in self._ask.holds)


class _Callers:
    """All of them, in their process."""

    def __init__(self, channel: "Channel[object, object]", port: int, asks: Sequence[Ask]) -> None:
        self._channel, self._port, self._asks = channel, port, asks
        self._callers: list[Caller] = []
        self._late: list[float] = []
        self._over = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        self._work = asyncio.current_task()
        loop.add_reader(self._channel.fileno(), self._tell)
        begin, ends = loop.time(), []
        for number, ask in enumerate(self._asks):
            await asyncio.sleep(max(0.0, begin + number / _COME_A_SECOND - loop.time()))
            ends.append(loop.create_future())
            caller = Caller(ask, ends[-1])
            self._callers.append(caller)
            await loop.create_connection(partial(_same, caller), "127.0.0.1", self._port)
        watch = asyncio.create_task(self._watch())
        await asyncio.wait(ends, timeout=_LONGEST_SECONDS)
        watch.cancel()
        await self._over.wait()
        moments = [each.answered for each in self._callers]
        right = [each.right for each in self._callers]
        self._channel.send(Answers(moments, right, self._late))

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _LOOK_SECONDS
            await asyncio.sleep(_LOOK_SECONDS)
            self._late.append(loop.time() - due)

    def _tell(self) -> None:
        try:
            asked = self._channel.recv()
        except EOFError:  # whoever asked is gone
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            for caller in self._callers:
                caller.leave()
            if self._work:
                self._work.cancel()
            return
        if asked == "answers":
            self._over.set()
        else:
            self._channel.send(sum(caller.ended for caller in self._callers))


def call_all(channel: "Channel[object, object]", port: int, asks: Sequence[Ask]) -> None:
    """Ask for everything, in this process; tell how many have ended, or their Answers, when asked.

    It ends when there is nobody left to ask.
    """
    with suppress(asyncio.CancelledError):
        asyncio.run(_Callers(channel, port, asks).run())


@dataclass(frozen=True, slots=True)
class Crowd:
    """Callers who come, and all of whom will be answered."""

    _channel: "Channel[object, object]"

    def ended(self) -> int:
        """Return how many were answered to the end, or have lost their connection."""
        self._channel.send("ended")
        return cast("int", self._channel.recv())

    def answers(self) -> Answers:
        """Return what they were answered, when every connection has ended."""
        self._channel.send("answers")
        return cast("Answers", self._channel.recv())


@contextmanager
def hold(port: int, asks: Sequence[Ask]) -> Iterator[Crowd]:
    """Have a caller for each."""
    with beside(call_all, port, asks) as channel:
        yield Crowd(channel)


def _same(caller: Caller) -> Caller:
    return caller
