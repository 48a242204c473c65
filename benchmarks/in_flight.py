"""Measure provider calls in flight on one machine: `python -m benchmarks.in_flight [calls …]`.

Calls of 30 s each, all submitted at once, in as many workers of 200 threads as it takes and one to
spare, against a provider that only holds them. Its limit is set so high that it isn't what is measured.
Memory and CPU time are of the workers; what a call costs includes the check of its picture and the
synced write.
"""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import quantile
from benchmarks.fleet import Fleet, fleet
from benchmarks.machine import load
from benchmarks.plots import Lines
from benchmarks.processes import cpu_seconds, memory_bytes, open_files
from benchmarks.provider import NO_LIMIT, Conduct, Counted
from benchmarks.report import progress, report
from shared.job_index import Wanted
from shared.setting_types import Rate
from tests.e2e.stack import eventually
from tests.pictures import picture

CALLS = (200, 600, 1_000)
CALL_SECONDS = 30.0
# The provider takes as long as that says; the calls that come before, to warm up, take no time.
_PROMPT = f"a fox, latency={CALL_SECONDS * 1000:.0f}"
THREADS = 200
# Twice as fast as two cores take them: more would only stand dispatched, and be put back as lost.
_RATE = Rate(100, 1)
_BATCH = 100
_HELD_SECONDS = 5.0
_LONGEST_SECONDS = 300
_SPARE_FILES = 500
_HEAD = (
    "calls of 30 s", "workers", "in flight at once", "reached after s", "MB a worker, idle",
    "KB a call", "CPU % of a core, held", "CPU ms a call", "Redis CPU ms a call", "answers late ms: p99",
    "charged twice, cut, put back", "load",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Flight:
    """What so many calls have shown: bytes, seconds, and what the provider counted."""

    calls: int
    workers: int
    idle: int
    held: int
    reached: float
    holding: float
    cpu: float
    redis_cpu: float
    late_ms: Sequence[float]
    counted: Counted
    put_back: int

    @property
    def kb_a_call(self) -> float:
        """Memory of the workers for a call, in KB."""
        return (self.held - self.idle) / self.calls / 1000

    @property
    def cpu_ms(self) -> float:
        """CPU time of the workers for a call, in ms."""
        return 1000 * self.cpu / self.calls


def measure(calls: int) -> Flight:
    """Have so many calls made at once, and see all of them answered."""
    # messages are not dealt out evenly: without one to spare the last wait in a worker that is full
    workers = -(-calls // THREADS) + 1
    conduct = Conduct(latency=None, rate=NO_LIMIT, picture=picture(1536, 1536, "webp"))
    settings = {
        "WORKER_CONCURRENCY": str(THREADS),
        "PROVIDER_RATE": f"{_RATE.calls}/{_RATE.seconds}s",
        "PROVIDER_RATE_GUARD_MS": "0",
    }
    with fleet(workers, conduct, **settings) as stands:
        _warm(stands, workers)
        return _fly(stands, calls, workers)


def _warm(stands: Fleet, calls: int) -> None:
    """Make a call for each worker, so that all of them have imported what they use."""
    stands.submit(calls)
    eventually(lambda: stands.succeeded() == calls, _LONGEST_SECONDS, "the first calls")


def _fly(stands: Fleet, calls: int, warm: int) -> Flight:
    idle, cpu = memory_bytes(stands.workers), cpu_seconds(stands.workers)
    redis_cpu, begun = cpu_seconds([stands.redis]), time.monotonic()
    for first in range(0, calls, _BATCH):
        stands.submit(min(_BATCH, calls - first), _PROMPT)
    # what has not begun when the first is answered will not be in flight together with it
    eventually(lambda: _begun(stands) >= calls + warm, _LONGEST_SECONDS, "the calls")
    reached = max(stands.provider.counted().accepted) - begun
    held, holding = memory_bytes(stands.workers), cpu_seconds(stands.workers)
    time.sleep(_HELD_SECONDS)
    holding = (cpu_seconds(stands.workers) - holding) / _HELD_SECONDS
    eventually(lambda: stands.succeeded() == calls + warm, _LONGEST_SECONDS, "the pictures")
    return Flight(
        calls,
        warm,
        idle,
        held,
        reached,
        holding,
        cpu_seconds(stands.workers) - cpu,
        cpu_seconds([stands.redis]) - redis_cpu,
        _late(stands, calls),
        stands.provider.counted(),
        stands.counts().get("messages_put_back", 0),
    )


def _begun(stands: Fleet) -> int:
    time.sleep(0.2)
    return len(stands.provider.counted().accepted)


def _late(stands: Fleet, calls: int) -> list[float]:
    """Return by how many ms each call took longer than the provider kept it."""
    jobs = stands.services.index.newest(Wanted("", limit=calls))
    return [(job.provider_ms or 0) - CALL_SECONDS * 1000 for job in jobs]


def row(flight: Flight) -> list[object]:
    """Return a line of the table."""
    calls = flight.calls
    twice = len(flight.counted.accepted) - calls - flight.workers
    return [
        calls,
        flight.workers,
        flight.counted.most,
        flight.reached,
        flight.idle / flight.workers / 1e6,
        flight.kb_a_call,
        100 * flight.holding,
        flight.cpu_ms,
        1000 * flight.redis_cpu / calls,
        f"{quantile(flight.late_ms, 0.99):.0f}",
        f"{twice}, {flight.counted.cut}, {flight.put_back}",
        f"{load():.1f}",
    ]


def main(words: Sequence[str]) -> None:
    """Measure each number of calls; report."""
    numbers = [int(word) for word in words] or CALLS
    # a connection a call, in the provider's process
    open_files(max(numbers) + _SPARE_FILES)
    flights: list[Flight] = []
    for calls in numbers:
        flights.append(measure(calls))
        progress(*row(flights[-1]))
    drawn = {
        "KB of memory a call": [(each.calls, each.kb_a_call) for each in flights],
        "CPU ms a call": [(each.calls, each.cpu_ms) for each in flights],
    }
    plot = Lines("What calls in flight cost", "calls in flight", "", drawn)
    short = ", ".join(f"{each.counted.most:,} of {each.calls:,}" for each in flights)
    report("in_flight", _HEAD, list(map(row, flights)), plot, short=f"In flight at once: {short}")


if __name__ == "__main__":
    main(sys.argv[1:])
