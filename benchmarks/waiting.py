"""Measure what callers who wait cost, and when they are woken: `python -m benchmarks.waiting [words]`.

One API process holds them: as long polls, as streams, at images' addresses. First their jobs end at 100
a second; then those of as many others as fast as Redis can write that. A wake-up is the time from a
job's end, by the store's clock, to its answer's first byte. With words: only these numbers of callers,
and these of `long-poll`, `stream` and `image`.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.callers import Caller, hold
from benchmarks.figures import quantile, table
from benchmarks.web import Web, web
from shared.jobs import Job
from tests.builders import a_job
from tests.e2e.stack import eventually
from tests.pictures import picture

CALLERS = (100, 1_000, 5_000)
A_SECOND = 100
# So many jobs end at once, each with a synced write of Redis's file.
_HANDS = 32
_LEASE_MS = 3_600_000
_RESULT = {"format": "webp", "width": 64, "height": 64, "bytes": 1_000, "seed": 7}
_HEAD = (
    "way",
    "callers",
    "jobs end",
    "KB each",
    "not as it should be",
    "woken: p50",
    "p99",
    "max ms",
    "CPU ms each",
)
Paths = Callable[[Job], str]
WAYS: dict[str, Paths] = {
    "long poll": lambda job: f"/jobs/{job.id}?wait=900",
    "stream": lambda job: f"/jobs/{job.id}/events",
    "image": lambda job: f"/saved_images/{job.image}",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one crowd has shown: bytes and CPU seconds for each caller, seconds to each one's answer."""

    memory: float
    cpu: float
    woken: Sequence[float]
    wrong: int


def measure(server: Web, way: str, callers: int, a_second: float) -> Measured:
    """Hold so many callers, each on a job of its own, and end their jobs; 0 a second: all at once."""
    jobs = [_running(server) for _ in range(callers)]
    before = server.memory()
    with hold(server.port, [WAYS[way](job) for job in jobs]) as crowd:
        eventually(lambda: server.held() + crowd.ended() == callers, 120, "the wait of all")
        held, cpu = server.memory(), server.cpu()
        _end(server, jobs, a_second)
        crowd.wait_for_all()
    told = {job.id: job for job in server.index.jobs(job.id for job in jobs)}
    pairs = list(zip(jobs, crowd.callers, strict=True))
    woken = [
        caller.answered - (told[job.id].finished or 0) / 1000
        for job, caller in pairs
        if caller.answered
    ]
    wrong = sum(not _is_right(way, job, caller) for job, caller in pairs)
    used = server.cpu() - cpu
    return Measured((held - before) / callers, used / callers, woken, wrong)


def _is_right(way: str, job: Job, caller: Caller) -> bool:
    told = bytes(caller.told)
    if not told.startswith(b"HTTP/1.1 200 "):
        return False
    return way == "image" or (job.id.encode() in told and b'"succeeded"' in told)


def _running(server: Web) -> Job:
    job = server.store.accept(a_job(deadline=_LEASE_MS), 1_000_000).job
    claimed = server.store.claim(job.id, "benchmark", _LEASE_MS)
    if claimed is None:
        raise RuntimeError("A job could not be claimed")
    return claimed


def _end(server: Web, jobs: Sequence[Job], a_second: float) -> None:
    png, begin = picture(form="png"), time.monotonic()
    for job in jobs:
        server.images.put(job.image, png)

    def end(number: int) -> None:
        if a_second:
            time.sleep(max(0.0, begin + number / a_second - time.monotonic()))
        server.store.succeed(jobs[number].id, result=_RESULT, credits=3_000, provider_ms=5)

    with ThreadPoolExecutor(_HANDS) as pool:
        list(pool.map(end, range(len(jobs))))


def row(way: str, callers: int, ends: str, measured: Measured) -> list[object]:
    """Return a line of the table."""
    woken = [value * 1000 for value in measured.woken] or [0.0]
    times = [f"{value:.0f}" for value in (quantile(woken, 0.5), quantile(woken, 0.99), max(woken))]
    memory, cpu = f"{measured.memory / 1000:.0f}", f"{measured.cpu * 1000:.2f}"
    return [way, callers, ends, memory, measured.wrong, *times, cpu]


def main(words: Sequence[str]) -> None:
    """Measure every way with every number of callers; print the table."""
    numbers = [int(word) for word in words if word.isdigit()] or list(CALLERS)
    ways = [word.replace("-", " ") for word in words if word.replace("-", " ") in WAYS] or list(
        WAYS
    )
    rows = []
    for callers in numbers:
        for way in ways:
            for ends, a_second in ((f"{A_SECOND} a second", A_SECOND), ("at once", 0)):
                with tempfile.TemporaryDirectory() as folder, web(Path(folder)) as server:
                    rows.append(row(way, callers, ends, measure(server, way, callers, a_second)))
                print(*rows[-1], sep="\t", file=sys.stderr, flush=True)
    print(table(_HEAD, rows))


if __name__ == "__main__":
    main(sys.argv[1:])
