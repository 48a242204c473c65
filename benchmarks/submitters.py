"""Callers who submit and do not wait, in one thread: as fast as they are answered, or at a rate."""

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from uuid import uuid4

_CONNECTIONS = 32
# The stand-in for the provider takes the named time, so that a worker holds as many calls as ever.
_BODY = b'{"prompt": "A lighthouse on a cliff at dusk, long exposure, latency=5000"}'


@dataclass(slots=True)
class Answers:
    """How long each 202 took, in seconds, how many answers were another, and how long it went on."""

    seconds: list[float] = field(default_factory=list)
    others: int = 0
    lasted: float = 0.0

    def rate(self) -> float:
        """Return the 202s a second."""
        return len(self.seconds) / self.lasted


def as_fast_as_answered(port: int, seconds: float, *, keys: bool) -> Answers:
    """Have 32 callers submit one after the other for so long."""
    return asyncio.run(_submit(port, keys, _until(seconds)))


def at_a_rate(port: int, seconds: float, rate: float, *, keys: bool) -> Answers:
    """Submit so many a second for so long, whatever the answers take; timed from when each was due."""
    return asyncio.run(_submit(port, keys, _every(1 / rate, seconds)))


Due = Callable[[], Iterator[float]]


def _until(seconds: float) -> Due:
    """Be due at once, until the time is up."""

    def dues() -> Iterator[float]:
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            yield now

    return dues


def _every(interval: float, seconds: float) -> Due:
    def dues() -> Iterator[float]:
        begin = time.perf_counter()
        for number in count():
            if number * interval >= seconds:
                return
            yield begin + number * interval

    return dues


async def _submit(port: int, keys: bool, dues: Due) -> Answers:
    answers, coming, begun = Answers(), dues(), time.perf_counter()

    async def caller() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for due in coming:  # shared by all: whoever is free takes the next
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(_request(keys))
            status = await _status(reader)
            if status == b"202":
                answers.seconds.append(time.perf_counter() - due)
            else:
                answers.others += 1
        writer.close()

    await asyncio.gather(*(caller() for _ in range(_CONNECTIONS)))
    answers.lasted = time.perf_counter() - begun
    return answers


def _request(keys: bool) -> bytes:
    key = f"Idempotency-Key: {uuid4()}\r\n" if keys else ""
    head = (
        "POST /generate_image HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{key}Content-Length: {len(_BODY)}\r\n\r\n"
    )
    return head.encode() + _BODY


async def _status(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    await reader.readexactly(int(length[1]) if length else 0)
    return head.split(b" ", 2)[1]
