"""Measure what jobs that have ended cost those that come: `python -m benchmarks.growth [jobs …]`.

Two stores, each on a server of its own: one keeps a thousand jobs, the other grows. Every operation is
asked of both in turn, so that what else the machine does meets both, and the ratio is of one run. The
server's own time is told apart: beside the way there and back, and a synced write, it is small.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.filled import (
    FAILED,
    OWNERS,
    REAL,
    Filled,
    differences,
    end,
    filled,
    grow,
    make_real,
)
from benchmarks.plots import Lines
from benchmarks.report import progress, report
from shared.job_index import EVERYBODYS, Cursor, Wanted
from shared.jobs import Job
from shared.scripts import PREFIX
from tests.builders import a_job

JOBS = (10_000, 100_000)
ROUNDS = 200
_WARM = 20
_QUEUE = 10_000_000
_TTL_MS = 90 * 86_400_000
_LISTS = ("generate:succeeded", "generate:failed", "alice:generate:succeeded")
Step = Callable[[], object]


@dataclass(slots=True)
class Times:
    """What one store took for one operation: seconds as its caller sees it, and of the server itself."""

    seen: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)


def steps(stands: Filled, deep: Cursor, some: Job) -> "Iterator[tuple[str, Step]]":
    """Yield the operations in their order, each named; what one leaves the next takes."""
    store, index = stands.store, stands.index
    one, two = (a_job(deadline=86_400_000) for _ in range(2))
    yield "submit", lambda: store.accept(one, _QUEUE)
    yield "dispatch", store.dispatch
    yield "claim, slot, end", lambda: end(stands, one)
    yield "submit", lambda: store.accept(two, _QUEUE)
    yield "place in the queue", lambda: index.outlook(two)
    yield "cancel", lambda: store.cancel([two.id])
    yield "status", lambda: store.get(some.id)
    yield "by its picture", lambda: store.find_by_image(some.image)
    yield "list, first page", lambda: index.newest(Wanted(""))
    yield "list, page in the middle", lambda: index.newest(Wanted("", after=deep))
    yield "list of all owners", lambda: index.newest(Wanted(EVERYBODYS))
    yield "sweep", lambda: store.sweep("benchmark", 30_000)
    yield "census (/metrics)", stands.registrar.take
    yield (
        "look for what is over",
        lambda: stands.retirement.pages(_TTL_MS, dict.fromkeys(_LISTS, 0)),
    )


def compare(small: Filled, large: Filled) -> tuple[dict[str, Times], dict[str, Times]]:
    """Ask both for every operation, in turn; return what each took, by the operation's name."""
    taken: tuple[dict[str, Times], dict[str, Times]] = ({}, {})
    places = [_middle(each) for each in (small, large)]
    for number in range(_WARM + ROUNDS):
        lots = [steps(each, *place) for each, place in zip((small, large), places, strict=True)]
        for pair in zip(*lots, strict=True):
            # who goes first finds the caches cold
            for which in (0, 1) if number // 4 % 2 else (1, 0):
                name, step = pair[which]
                times = taken[which].setdefault(name, Times())
                told = _timed(step, (small, large)[which], server=number % 4 == 0)
                if number >= _WARM:
                    (times.server if number % 4 == 0 else times.seen).append(told)
    return taken


def _timed(step: Step, stands: Filled, *, server: bool) -> float:
    before = _server_seconds(stands) if server else 0.0
    begun = time.perf_counter()
    step()
    return _server_seconds(stands) - before if server else time.perf_counter() - begun


def _server_seconds(stands: Filled) -> float:
    told = stands.redis.info("commandstats")
    return float(sum(each["usec"] for name, each in told.items() if name != "cmdstat_info")) / 1e6


def _middle(stands: Filled) -> tuple[Cursor, Job]:
    """Return a place in the middle of the open caller's list, and the job that stands there.

    In either store that is the same job among those that were copied, with the same neighbours.
    """
    name = f"{PREFIX}list:generate:succeeded"
    number = int(stands.redis.zcard(name))
    a_copy = REAL // len(OWNERS) * (FAILED - 1) // FAILED
    place = number // a_copy // 2 * a_copy + a_copy // 4
    job = stands.store.get(str(stands.redis.zrange(name, place, place)[0]))
    if job is None:
        raise LookupError(name)
    return Cursor(job.created, job.id), job


@dataclass(frozen=True, slots=True)
class Grown:
    """A store of so many jobs beside that of a thousand: bytes a job, and the operations' times."""

    jobs: int
    memory: float
    file: float
    small: dict[str, Times]
    large: dict[str, Times]

    def ratio(self, name: str) -> float:
        """How many times as long as with a thousand jobs an operation takes, by the medians."""
        return statistics.median(self.large[name].seen) / statistics.median(self.small[name].seen)

    def server_ratio(self, name: str) -> float:
        """The same of the server's own time."""
        large, small = self.large[name].server, self.small[name].server
        return statistics.median(large) / statistics.median(small)


def measure(sizes: Sequence[int]) -> list[Grown]:
    """Let a store grow and compare it at each size with one that does not."""
    grown, size = [], REAL
    with (
        tempfile.TemporaryDirectory() as folder,
        filled(Path(folder) / "small") as small,
        filled(Path(folder) / "large") as large,
    ):
        empty = large.bytes_held
        make_real(small)
        names = make_real(large)
        for number, jobs in enumerate(sizes):
            begun = time.monotonic()
            grow(large, names, size, jobs)
            size = jobs
            # each comparison leaves two jobs a round
            _refuse(differences(large, size, number * 2 * (_WARM + ROUNDS)))
            seconds = time.monotonic() - begun
            memory, file = (large.bytes_held - empty) / jobs, large.bytes_of_file / jobs
            progress(f"{jobs} jobs after {seconds:.0f} s")
            grown.append(Grown(jobs, memory, file, *compare(small, large)))
    return grown


def _refuse(found: Sequence[str]) -> None:
    if found:
        raise RuntimeError(f"The copies are not like real jobs: {found[:5]}")


def rows(grown: Sequence[Grown]) -> list[list[object]]:
    """Return the lines of the table: the operations, then what a job takes."""
    lines: list[list[object]] = []
    for name in grown[0].small:
        base = grown[0].small[name]
        line: list[object] = [name, _ms(base.seen), f"{1e6 * statistics.median(base.server):.0f}"]
        for each in grown:
            line += [_ms(each.large[name].seen), f"{each.ratio(name):.2f}"]
            line += [f"{each.server_ratio(name):.2f}"]
        lines.append(line)
    for what, of in (("bytes a job, memory", "memory"), ("bytes a job, file", "file")):
        cells = [[f"{getattr(each, of):,.0f}", "", ""] for each in grown]
        lines.append([what, "", "", *(cell for three in cells for cell in three)])
    return lines


def _ms(seconds: Sequence[float]) -> str:
    return f"{1000 * statistics.median(seconds):.2f}"


def main(words: Sequence[str]) -> None:
    """Measure; print the table."""
    grown = measure([int(word) for word in words] or JOBS)
    head = ["operation", "1,000 jobs: ms", "server µs"]
    for each in grown:
        head += [f"{each.jobs:,}: ms", "ratio", "server's ratio"]
    points = {
        name: [(REAL, 1.0), *((each.jobs, each.ratio(name)) for each in grown)]
        for name in grown[0].small
    }
    plot = Lines(
        "Time of an operation, against a store of 1,000 jobs",
        "finished jobs in the store",
        "times as long",
        points,
        log_x=True,
    )
    notes = ["Medians; ratios are of one run, asked in turn."]
    report("growth", head, rows(grown), plot, notes, in_short(grown[-1]))


def in_short(most: Grown) -> str:
    """Return the operation that has grown most."""
    ratio, name = max((most.ratio(name), name) for name in most.small)
    return f"With {most.jobs:,} jobs no operation takes longer than {ratio:.2f} times ({name})"


if __name__ == "__main__":
    main(sys.argv[1:])
