"""Measure what a waited job takes over the direct call: `python -m benchmarks.overhead [words]`.

Beside ours: the plain Flask app, Celery, RQ, Dramatiq and Huey, all with the same call to a stand-in for
the provider, the same check of the picture and the same synced write, each queue on a Redis of its own
with the same settings, and Celery once more on one as it comes. One caller asks all ways in turn; then
each way gets 10 jobs a second, whether or not those before are done, from up to 50 callers. With words:
only these ways, and these latencies of the provider in ms.
"""

import math
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import requests

from benchmarks.alternatives.running import DRAMATIQ_LOOK_MS
from benchmarks.figures import quantile
from benchmarks.picture_ways import DIRECT, EVERY, OURS, Call, Way, held_still, ways
from benchmarks.plots import Bars
from benchmarks.processes import cpu_of
from benchmarks.report import progress, report, spread

FAILED = -1.0
# What takes longer than this is waited for by several ways at once: the calls only wait meanwhile.
_IN_TURN_MS = 100
_CROWD_IN_TURN_MS = 1_000
# More than are ever in flight: no job waits for a caller.
_CALLERS, _A_SECOND = 50, 10
ALONE, CROWD = "one at a time", f"{_A_SECOND} jobs a second"
# These are compared to their p99, which takes time; the others have fewer jobs.
CLOSELY = (DIRECT, "Celery", OURS)
# A quantile of fewer values would be their greatest, or almost.
_SHARES = {0.5: 1, 0.95: 20, 0.99: 100}


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs there are for each way of those that are compared closely, and of the others."""

    closely: int
    others: int

    def of(self, name: str) -> int:
        """Return how many a way gets."""
        return self.closely if name in CLOSELY else self.others


@dataclass(frozen=True, slots=True)
class Plan:
    """How many jobs there are a round, one at a time and at a rate, and how many rounds."""

    alone: Jobs
    crowd: Jobs
    rounds: int


# By the provider's latency in ms.
LATENCIES = {
    0: Plan(Jobs(50, 50), Jobs(50, 15), 2),
    50: Plan(Jobs(50, 10), Jobs(50, 15), 2),
    500: Plan(Jobs(60, 20), Jobs(100, 20), 1),
    5_000: Plan(Jobs(3, 3), Jobs(30, 30), 1),
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
        """Return a quantile of all rounds; NaN of fewer jobs than it needs."""
        if self.jobs() < _SHARES[share]:
            return math.nan
        return quantile([1000 * each for one in self.rounds for each in one], share)

    def medians(self) -> list[float]:
        """Return each round's median in ms."""
        return [1000 * quantile(one, 0.5) for one in self.rounds if one]


Cells = Mapping[tuple[str, int], Mapping[str, Took]]


def _timed(call: Call, ms: int, begin: float) -> float:
    """Return the seconds since a moment when the call is answered, FAILED when it is refused."""
    try:
        call(ms)
    except (RuntimeError, requests.RequestException) as error:
        progress(error)
        return FAILED
    return time.monotonic() - begin


def alone(ways: Mapping[str, Way], ms: int, jobs: Jobs) -> dict[str, list[float]]:
    """Have one caller at a time ask each way for so many jobs; return the seconds each took."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    if ms <= _IN_TURN_MS:
        quiet = [name for name, way in ways.items() if not way.polls]
        for asked in (quiet, [name for name in ways if name not in quiet]):
            with held_still(ways, asked):
                for turn in range(max(map(jobs.of, asked), default=0)):
                    for name in [each for each in asked if turn < jobs.of(each)]:
                        took[name].append(_timed(ways[name].call, ms, time.monotonic()))
        return took

    def ask(place: tuple[int, str]) -> None:
        number, name = place
        time.sleep(ms / 1000 * number / len(ways))
        for _ in range(jobs.of(name)):
            took[name].append(_timed(ways[name].call, ms, time.monotonic()))

    with ThreadPoolExecutor(len(ways)) as pool:
        list(pool.map(ask, enumerate(ways)))
    return took


def crowd(call: Call, ms: int, jobs: int) -> list[float]:
    """Ask for so many jobs, ten a second, from up to 50 callers; tell the seconds since each was due."""
    begin = time.monotonic() + 0.05

    def ask(number: int) -> float:
        due = begin + number / _A_SECOND
        time.sleep(max(0.0, due - time.monotonic()))
        return _timed(call, ms, due)

    with ThreadPoolExecutor(_CALLERS) as pool:
        return list(pool.map(ask, range(jobs)))


def crowds(ways: Mapping[str, Way], ms: int, jobs: Jobs, took: Mapping[str, Took]) -> None:
    """Send ten jobs a second to each way in turn, and add what they took.

    Where calls take long the next way's begin when those of the one before have been sent: there are
    never more than two ways at work, the one whose calls begin and the one whose calls end.
    """
    overlap = ms > _CROWD_IN_TURN_MS
    begin = time.monotonic()
    names = list(ways)

    def ask(number: int) -> None:
        name = names[number]
        if overlap:
            due = begin + sum(map(jobs.of, names[:number])) / _A_SECOND
            time.sleep(max(0.0, due - time.monotonic()))
        with held_still(ways, ways if overlap else [name]):
            before = cpu_of(ways[name].folder)
            took[name].add(crowd(ways[name].call, ms, jobs.of(name)))
            took[name].cpu += cpu_of(ways[name].folder) - before

    with ThreadPoolExecutor(len(ways) if overlap else 1) as pool:
        list(pool.map(ask, range(len(names))))


def measure(ways: Mapping[str, Way], latencies: Sequence[int]) -> Cells:
    """Return what each way's jobs took, by how they come and latency; ways take turns in each round."""
    cells: dict[tuple[str, int], dict[str, Took]] = {
        (come, ms): {name: Took() for name in ways} for come in (ALONE, CROWD) for ms in latencies
    }
    for round_ in range(max(plan.rounds for plan in LATENCIES.values())):
        for ms in latencies:
            plan = LATENCIES[ms]
            if round_ >= plan.rounds:
                continue
            for name, seconds in alone(ways, ms, plan.alone).items():
                cells[ALONE, ms][name].add(seconds)
            crowds(ways, ms, plan.crowd, cells[CROWD, ms])
            progress(f"round {round_ + 1}, {ms} ms: done")
    return cells


def rows(cells: Cells) -> list[list[object]]:
    """Return a row for each cell and way; what is over direct is told quantile by quantile."""
    told: list[list[object]] = []
    for (come, ms), by_way in cells.items():
        for name, took in by_way.items():
            over = [_told(by_way, name, share) for share in _SHARES]
            cpu = f"{1000 * took.cpu / took.jobs():.1f}" if took.cpu and took.jobs() else ""
            told.append(
                [come, ms, name, took.jobs(), spread(took.medians()), *over, cpu, took.failed]
            )
    return told


def _told(by_way: Mapping[str, Took], name: str, share: float) -> float | str:
    """Return what is over the direct call, or the direct call's own; nothing of too few jobs."""
    ms = by_way[name].ms(share) if name == DIRECT else _over(by_way, name, share)
    return "" if math.isnan(ms) else ms


def _over(by_way: Mapping[str, Took], name: str, share: float) -> float:
    return by_way[name].ms(share) - by_way[DIRECT].ms(share)


_HEAD = (
    "jobs come",
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
        f"A waited job over the direct call: median, {CROWD}",
        "ms",
        [f"{ms:,} ms" for ms in latencies],
        {
            name: [_drawn(_over(cells[CROWD, ms], name, 0.5)) for ms in latencies]
            for name in names
            if name != DIRECT
        },
    )
    notes = [
        "The direct call's own figures stand in its rows. A p95 is told of 20 jobs, a p99 of 100.",
        f"{CROWD}: from up to {_CALLERS} callers, as many as wait. CPU: of web, worker and Redis then.",
        "At 5,000 ms several ways wait at once; two at most begin or end calls meanwhile.",
        "Each Redis syncs every write, as ours; Redis's default: none (appendonly no).",
        f"Dramatiq looks for a task every {DRAMATIQ_LOOK_MS} ms at most (by itself 1,000).",
        "Each look is a synced write: it is held still while others are measured in turn.",
    ]
    report("overhead", _HEAD, rows(cells), plot, notes, in_short(cells))


def _drawn(over: float) -> float | None:
    return None if math.isnan(over) else over


def in_short(cells: Cells) -> str:
    """Return our share of each cell with ten jobs a second, at the median and p99."""
    told = [
        f"{_over(by_way, OURS, 0.5):.0f} ms{_p99(_over(by_way, OURS, 0.99))} at {ms:,} ms"
        for (come, ms), by_way in cells.items()
        if come == CROWD and OURS in by_way
    ]
    if not told:
        return ""
    return (
        f"{OURS} takes over the direct call, with {CROWD}, at the median (and p99): "
        f"{', '.join(told)}"
    )


def _p99(over: float) -> str:
    return "" if math.isnan(over) else f" ({over:.0f})"


if __name__ == "__main__":
    main(sys.argv[1:])
