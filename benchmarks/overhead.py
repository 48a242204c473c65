"""Measure what a waited job takes over the direct call: `python -m benchmarks.overhead [words]`.

Beside ours: the plain Flask app, Celery, RQ, Dramatiq and Huey, all with the same call to a stand-in for
the provider, the same check of the picture and the same synced write, each queue on a Redis of its own
with the same settings. One caller asks all ways in turn; 50 callers send 10 jobs a second to one way
after the other. With words: only these ways, and these latencies of the provider in ms.
"""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from benchmarks.figures import quantile
from benchmarks.picture_ways import DIRECT, EVERY, OURS, Call, Way, ways
from benchmarks.plots import Bars
from benchmarks.processes import cpu_of
from benchmarks.report import progress, report, spread

FAILED = -1.0
# What takes longer than this is waited for by several ways at once: the calls only wait meanwhile.
_IN_TURN_MS = 100
_CROWD_IN_TURN_MS = 1_000
_CROWD, _A_SECOND = 50, 10


@dataclass(frozen=True, slots=True)
class Plan:
    """How many jobs of one caller there are a round, how many of the fifty, and how many rounds."""

    alone: int
    crowd: int
    rounds: int


# By the provider's latency in ms.
LATENCIES = {
    0: Plan(30, 40, 2),
    50: Plan(20, 30, 2),
    500: Plan(12, 40, 1),
    5_000: Plan(3, 30, 1),
}


@dataclass(slots=True)
class Took:
    """Seconds that the jobs of one way took, by round; `cpu` is the CPU seconds of its processes."""

    rounds: list[list[float]] = field(default_factory=list)
    cpu: float = 0.0
    failed: int = 0

    def add(self, seconds: Sequence[float]) -> None:
        """Add a round; what failed is counted and took no time."""
        self.rounds.append([each for each in seconds if each != FAILED])
        self.failed += len(seconds) - len(self.rounds[-1])

    def jobs(self) -> int:
        """Return how many there were."""
        return sum(map(len, self.rounds))

    def ms(self, share: float) -> float:
        """Return a quantile of all rounds."""
        return quantile([1000 * each for one in self.rounds for each in one], share)

    def medians(self) -> list[float]:
        """Return each round's median in ms."""
        return [1000 * quantile(one, 0.5) for one in self.rounds if one]


Cells = Mapping[tuple[int, int], Mapping[str, Took]]


def _timed(call: Call, ms: int, begin: float) -> float:
    """Return the seconds since a moment when the call is answered, FAILED when it is refused."""
    try:
        call(ms)
    except (RuntimeError, requests.RequestException) as error:
        progress(error)
        return FAILED
    return time.monotonic() - begin


def alone(ways: Mapping[str, Way], ms: int, jobs: int) -> dict[str, list[float]]:
    """Have one caller at a time ask each way for so many jobs; return the seconds each took."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    if ms <= _IN_TURN_MS:
        for _ in range(jobs):
            for name, way in ways.items():
                took[name].append(_timed(way.call, ms, time.monotonic()))
        return took

    def ask(place: tuple[int, str]) -> None:
        number, name = place
        time.sleep(ms / 1000 * number / len(ways))
        for _ in range(jobs):
            took[name].append(_timed(ways[name].call, ms, time.monotonic()))

    with ThreadPoolExecutor(len(ways)) as pool:
        list(pool.map(ask, enumerate(ways)))
    return took


def crowd(call: Call, ms: int, jobs: int) -> list[float]:
    """Have 50 callers ask for so many jobs, ten a second; return the seconds from when each was due."""
    begin = time.monotonic() + 0.05

    def ask(number: int) -> float:
        due = begin + number / _A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        return _timed(call, ms, due)

    with ThreadPoolExecutor(_CROWD) as pool:
        return list(pool.map(ask, range(jobs)))


def crowds(ways: Mapping[str, Way], ms: int, jobs: int, took: Mapping[str, Took]) -> None:
    """Have the fifty ask each way in turn, and add what it took.

    Where calls take long the next way's begin when those of the one before have been sent: there are
    never more than two ways at work, the one whose calls begin and the one whose calls end.
    """
    overlap = ms > _CROWD_IN_TURN_MS
    begin = time.monotonic()

    def ask(place: tuple[int, str]) -> None:
        number, name = place
        if overlap:
            time.sleep(max(0.0, begin + number * jobs / _A_SECOND - time.monotonic()))
        before = cpu_of(ways[name].folder)
        took[name].add(crowd(ways[name].call, ms, jobs))
        took[name].cpu += cpu_of(ways[name].folder) - before

    with ThreadPoolExecutor(len(ways) if overlap else 1) as pool:
        list(pool.map(ask, enumerate(ways)))


def measure(ways: Mapping[str, Way], latencies: Sequence[int]) -> Cells:
    """Return what each way's jobs took, by callers and latency; the ways take turns in each round."""
    cells: dict[tuple[int, int], dict[str, Took]] = {
        (callers, ms): {name: Took() for name in ways}
        for callers in (1, _CROWD)
        for ms in latencies
    }
    for round_ in range(max(plan.rounds for plan in LATENCIES.values())):
        for ms in latencies:
            plan = LATENCIES[ms]
            if round_ >= plan.rounds:
                continue
            for name, seconds in alone(ways, ms, plan.alone).items():
                cells[1, ms][name].add(seconds)
            crowds(ways, ms, plan.crowd, cells[_CROWD, ms])
            progress(f"round {round_ + 1}, {ms} ms: done")
    return cells


def rows(cells: Cells) -> list[list[object]]:
    """Return a row for each cell and way; what is over direct is told quantile by quantile."""
    told: list[list[object]] = []
    for (callers, ms), by_way in cells.items():
        for name, took in by_way.items():
            base = by_way[DIRECT] if name != DIRECT else None
            over = [took.ms(share) - (base.ms(share) if base else 0) for share in (0.5, 0.95, 0.99)]
            cpu = f"{1000 * took.cpu / took.jobs():.1f}" if took.cpu and took.jobs() else ""
            told.append(
                [callers, ms, name, took.jobs(), spread(took.medians()), *over, cpu, took.failed]
            )
    return told


_HEAD = (
    "callers",
    "provider ms",
    "way",
    "jobs",
    "median ms (of the rounds)",
    "over direct, ms: p50",
    "p95",
    "p99",
    "CPU ms a job",
    "failed",
)


def main(words: Sequence[str]) -> None:
    """Measure and report."""
    chosen = [name for name in EVERY if name in words and name != DIRECT]
    names = [DIRECT, *chosen] if chosen else EVERY
    latencies = [ms for ms in LATENCIES if str(ms) in words] or list(LATENCIES)
    with ways(names) as running_ways:
        cells = measure(running_ways, latencies)
    plot = Bars(
        "A waited job over the direct call: median of 50 callers, 10 jobs a second",
        "ms (logarithmic)",
        [f"{ms:,} ms" for ms in latencies],
        {
            name: [_over_direct(cells[_CROWD, ms], name) for ms in latencies]
            for name in names
            if name != DIRECT
        },
        log=True,
    )
    notes = [
        "The direct call's own figures stand in its rows. CPU: web, worker and Redis of the 50 callers.",
        "At 5,000 ms several ways wait at once; two at most begin or end calls meanwhile.",
    ]
    report("overhead", _HEAD, rows(cells), plot, notes, in_short(cells))


def _over_direct(by_way: Mapping[str, Took], name: str) -> float | None:
    """Return the median over the direct call's, of which a logarithmic plot can show no 0."""
    over = by_way[name].ms(0.5) - by_way[DIRECT].ms(0.5)
    return None if math.isnan(over) else max(0.1, over)


def in_short(cells: Cells) -> str:
    """Return our share of each cell of the fifty, at the median."""
    told = [
        f"{by_way[OURS].ms(0.5) - by_way[DIRECT].ms(0.5):.0f} ms at {ms:,} ms"
        for (callers, ms), by_way in cells.items()
        if callers == _CROWD and OURS in by_way
    ]
    return f"{OURS} takes over the direct call, at the median of 50 callers: {', '.join(told)}"


if __name__ == "__main__":
    main(sys.argv[1:])
