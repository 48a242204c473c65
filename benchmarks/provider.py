"""A provider for benchmarks: calls travel by chance, and are counted exactly where they arrive."""

import asyncio
import random
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from benchmarks.figures import LIMIT
from shared.setting_types import Rate

LATENCY_SECONDS = 3.0


class Gate:
    """A sliding window over the accepted calls; a call too many is refused and locks nobody out."""

    def __init__(self, rate: Rate = LIMIT) -> None:
        self._rate = rate
        self.accepted: list[float] = []
        self.refused = 0

    def arrive(self, now: float) -> bool:
        """Count a call that arrives now, in seconds; tell whether it is accepted."""
        calls, seconds = self._rate.calls, self._rate.seconds
        if len(self.accepted) >= calls and self.accepted[-calls] > now - seconds:
            self.refused += 1
            return False
        self.accepted.append(now)
        return True


@dataclass(frozen=True, slots=True)
class Counted:
    """What arrived: the moments of the accepted calls, by the monotonic clock, and the refused."""

    accepted: list[float]
    refused: int


def serve(channel: "Connection[object, object]", jitter: float) -> None:
    """Serve in this process: tell the port, then, when anything is sent, what was Counted."""
    asyncio.run(_serve(channel, jitter))


async def _serve(channel: "Connection[object, object]", jitter: float) -> None:
    gate, ended = Gate(), asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(random.uniform(0, jitter))
        accepted = gate.arrive(time.monotonic())
        if accepted:
            await asyncio.sleep(LATENCY_SECONDS)
        status = b"200 OK" if accepted else b"429 Too Many Requests"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=500)
    asyncio.get_running_loop().add_reader(channel.fileno(), ended.set)
    channel.send(server.sockets[0].getsockname()[1])
    await ended.wait()
    channel.send(Counted(gate.accepted, gate.refused))
