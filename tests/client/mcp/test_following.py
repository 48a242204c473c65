"""A tool's thread, its progress and its end."""

import asyncio
import threading
import time

import anyio
from mcp_types import CallToolResult

from client.mcp.following import Tell, followed
from client.models import Job

JOB = Job(job_id="j1", status="running", message="It is being made. Ask again.", eta_seconds=4)
DONE = CallToolResult(content=[])


class Told:
    """What was reported, and how a call of `followed` ended."""

    def __init__(self) -> None:
        self.steps: list[tuple[float, float | None, str]] = []
        self.reported = asyncio.Event()

    async def report(self, progress: float, total: float | None, message: str) -> None:
        """Remember one step."""
        self.steps.append((progress, total, message))
        self.reported.set()


def test_all_that_was_told_is_reported_before_the_answer() -> None:
    async def run() -> tuple[CallToolResult | None, Told]:
        told = Told()

        def work(tell: Tell) -> CallToolResult:
            for _ in range(3):
                tell(JOB)
            return DONE

        return await followed(work, told.report, 5, anyio.CapacityLimiter(1)), told

    result, told = asyncio.run(run())

    assert result is DONE
    assert [words for _, _, words in told.steps] == ["It is being made"] * 3
    passed = [progress for progress, _, _ in told.steps]
    assert passed == sorted(set(passed))
    assert all(total == progress + 4 for progress, total, _ in told.steps)


def test_a_thread_ends_soon_after_nobody_waits_any_more() -> None:
    async def run(given_up: bool) -> bool:
        told, ended = Told(), threading.Event()

        def work(tell: Tell) -> CallToolResult:
            try:
                while True:
                    tell(JOB)
                    time.sleep(0.01)
            finally:
                ended.set()

        seconds = 60 if given_up else 0.1
        call = asyncio.create_task(followed(work, told.report, seconds, anyio.CapacityLimiter(1)))
        await asyncio.wait_for(told.reported.wait(), 10)
        if given_up:
            call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        return await asyncio.to_thread(ended.wait, 10)

    assert asyncio.run(run(given_up=True))
    assert asyncio.run(run(given_up=False))
