"""A provider for benchmarks: calls travel by chance, and are counted exactly where they arrive."""

import asyncio
import io
import random
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from PIL import Image

from benchmarks.figures import LIMIT
from benchmarks.processes import Channel, beside
from shared.setting_types import Rate
from tests.pictures import picture

LATENCY_SECONDS = 3.0
# What the provider documents.
LOCKOUT_SECONDS = 60.0
# As many as come at once, each on a connection of its own.
_BACKLOG = 2_000
# More than anybody calls: nothing is refused.
NO_LIMIT = Rate(999_999, 1)


class Gate:
    """A sliding window over the accepted calls; what is too much is refused.

    After a refusal everything is, for so many seconds; 0: nobody is locked out.
    """

    def __init__(self, rate: Rate = LIMIT, lockout: float = 0.0) -> None:
        self._rate, self._lockout, self._until = rate, lockout, float("-inf")
        self.accepted: list[float] = []
        self.lockouts: list[float] = []
        self.refused = 0

    def arrive(self, now: float) -> float:
        """Count a call that arrives now, in seconds; return 0 when accepted, else when to come again."""
        calls, seconds = self._rate.calls, self._rate.seconds
        if now < self._until:
            self.refused += 1
            return self._until - now
        if len(self.accepted) >= calls and self.accepted[-calls] > now - seconds:
            self.refused += 1
            self._until = now + self._lockout
            self.lockouts += [now] if self._lockout else []
            return max(self._lockout, self.accepted[-calls] + seconds - now)
        self.accepted.append(now)
        return 0.0


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the provider behaves: seconds of travel (at most) and of each answer, its rate, its lock-out.

    It answers each call with one picture, the same for all; without a latency after the milliseconds
    that its prompt names (`latency=50`).
    """

    jitter: float = 0.0
    latency: float | None = LATENCY_SECONDS
    rate: Rate = LIMIT
    lockout: float = 0.0
    picture: bytes = field(default_factory=lambda: picture(64, 64, "webp"), repr=False)


def as_prompted() -> Conduct:
    """Return the conduct of a provider that refuses nothing, and takes as long as each prompt names."""
    return Conduct(latency=None, rate=NO_LIMIT, picture=noise())


@dataclass(frozen=True, slots=True)
class Counted:
    """What arrived: the moments of the accepted calls, by the monotonic clock, and the refused.

    `most` is how many accepted calls were in flight at once, `cut` how many of them went away before
    they had their answer, `lockouts` when everybody began to be locked out.
    """

    accepted: list[float]
    refused: int
    most: int = 0
    cut: int = 0
    lockouts: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that runs in a process of its own."""

    port: int
    _channel: "Channel[object, object]"

    def counted(self) -> Counted:
        """Return what has arrived until now."""
        self._channel.send("count")
        counted = self._channel.recv()
        if not isinstance(counted, Counted):
            raise TypeError(counted)
        return counted


@contextmanager
def provider(conduct: Conduct) -> Iterator[Provider]:
    """Run a provider in a process of its own."""
    with beside(serve, conduct) as channel:
        port = channel.recv()
        if not isinstance(port, int):
            raise TypeError(port)
        yield Provider(port, channel)


def serve(channel: "Channel[object, object]", conduct: Conduct) -> None:
    """Serve in this process: tell the port, then, whenever anything is sent, what was Counted."""
    asyncio.run(_Server(channel, conduct).run())


class _Server:
    def __init__(self, channel: "Channel[object, object]", conduct: Conduct) -> None:
        self._channel, self._conduct = channel, conduct
        self._gate = Gate(conduct.rate, conduct.lockout)
        self._flying = self._most = self._cut = 0
        self._over = asyncio.Event()

    async def run(self) -> None:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0, backlog=_BACKLOG)
        asyncio.get_running_loop().add_reader(self._channel.fileno(), self._tell)
        self._channel.send(server.sockets[0].getsockname()[1])
        async with server:
            await self._over.wait()

    def _tell(self) -> None:
        try:
            self._channel.recv()
        except EOFError:  # whoever asked is gone
            asyncio.get_running_loop().remove_reader(self._channel.fileno())
            self._over.set()
            return
        gate = self._gate
        self._channel.send(
            Counted(list(gate.accepted), gate.refused, self._most, self._cut, gate.lockouts)
        )

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)^content-length: *(\d+)", head, re.MULTILINE)
            body = await reader.readexactly(int(length[1]) if length else 0)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()  # a slot that was missed: nothing was asked for
            return
        await asyncio.sleep(random.uniform(0, self._conduct.jitter))
        pause = self._gate.arrive(time.monotonic())
        if not pause:
            await self._cook(reader, body)
        writer.write(_refusal(pause) if pause else _image(self._conduct.picture))
        try:
            await writer.drain()
        except ConnectionError:
            self._cut += 1
        writer.close()

    async def _cook(self, reader: asyncio.StreamReader, body: bytes) -> None:
        self._flying += 1
        self._most = max(self._most, self._flying)
        await asyncio.sleep(
            _named(body) if self._conduct.latency is None else self._conduct.latency
        )
        self._flying -= 1
        self._cut += reader.at_eof()


def _named(body: bytes) -> float:
    found = re.search(rb"latency=(\d+)", body)
    return int(found[1]) / 1000 if found else 0.0


def noise(side: int = 640) -> bytes:
    """Return a WebP of about the size that the provider's have: noise, which does not compress."""
    out = io.BytesIO()
    Image.effect_noise((side, side), 60).convert("RGB").save(out, "WEBP", quality=75, method=0)
    return out.getvalue()


def _image(data: bytes) -> bytes:
    kind = b"webp" if data[:4] == b"RIFF" else b"png"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: image/%b\r\nfinish-reason: SUCCESS\r\nseed: 7\r\n"
    return head % kind + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(data) + data


def _refusal(seconds: float) -> bytes:
    head = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: %d\r\nContent-Length: 0\r\n"
    return head % -(-seconds // 1) + b"Connection: close\r\n\r\n"
