"""Run a tool in a thread, tell of its progress meanwhile, and end it when nobody waits any more."""

import math
import time
from collections.abc import Awaitable, Callable

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from mcp_types import CallToolResult

from client.models import Job

Report = Callable[[float, float | None, str], Awaitable[None]]
Tell = Callable[[Job], None]
Work = Callable[[Tell], CallToolResult]
# A sign of life, for clients that count from the last one.
_SILENT_SECONDS = 10.0


async def followed(
    work: Work, report: Report, seconds: float, limiter: anyio.CapacityLimiter
) -> CallToolResult | None:
    """Return what `work` answers, None when it takes longer than `seconds`.

    `work` gets what it must call with a job at each change. When the client gives the call up, only the
    waiting ends: the job is never canceled for that.
    """
    send, receive = anyio.create_memory_object_stream[Job](math.inf)

    def tell(job: Job) -> None:
        # raises when nobody waits any more, which ends the thread
        anyio.from_thread.run_sync(send.send_nowait, job)

    result: CallToolResult | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_report, receive, report)
        with send, anyio.move_on_after(seconds):
            result = await anyio.to_thread.run_sync(
                work, tell, abandon_on_cancel=True, limiter=limiter
            )
    return result


async def _report(jobs: MemoryObjectReceiveStream[Job], report: Report) -> None:
    """Tell of each change, in seconds since the start, which only ever grow, as a progress must."""
    begun, passed = time.monotonic(), 0.0
    job: Job | None = None
    with jobs:
        while True:
            with anyio.move_on_after(_SILENT_SECONDS):
                try:
                    job = await jobs.receive()
                except anyio.EndOfStream:
                    return
            passed = max(round(time.monotonic() - begun, 3), round(passed + 0.001, 3))
            await report(passed, _total(job, passed), _words(job))


def _total(job: Job | None, passed: float) -> float | None:
    if job is None:
        return None
    if job.terminal:
        return passed
    return None if job.eta_seconds is None else passed + job.eta_seconds


def _words(job: Job | None) -> str:
    """Return the first sentence of what the service says."""
    return job.message.partition(". ")[0] if job else "Waiting for the service"
