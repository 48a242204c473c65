"""Measure what a waited job takes over the direct call: `python -m benchmarks.overhead [words]`.

Beside ours: the plain Flask app, Celery, RQ, Dramatiq and Huey, all with the same call to a stand-in for
the provider, the same check of the picture and the same synced write, each queue on a Redis of its own
with the same settings. One caller asks all ways in turn; 50 callers send 10 jobs a second to one way
after the other. With words: only these ways, and these latencies of the provider in ms.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.running import ALTERNATIVES, alternative, provider, running
from benchmarks.figures import quantile
from benchmarks.machine import cpu_of
from benchmarks.plots import Bars
from benchmarks.report import report, spread
from benchmarks.web import web

FAILED = -1.0
DIRECT, OURS = "direct", "this service"
# Of the provider, in ms: how many jobs of one caller a round, and of the fifty.
LATENCIES = {0: (50, 50), 50: (25, 50), 500: (20, 50), 5_000: (4, 40)}
ROUNDS = 2
# What takes longer is asked for by each way's own caller at the same time, evenly apart.
_IN_TURN_MS = 100
_CROWD, _A_SECOND = 50, 10
_WARM = 16
# One round of the fifty is enough where a round takes a minute.
_ONE_ROUND_MS = 500
# Wide enough to keep nobody waiting: the alternatives keep to no limit.
_SETTINGS = {"PROVIDER_RATE": "10000/10s", "LOG_LEVEL": "INFO"}
Call = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Way:
    """One way: how it is called, with the provider's latency in ms, and where its files are."""

    call: Call
    folder: Path


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


@contextmanager
def ways(names: Sequence[str]) -> Iterator[dict[str, Way]]:
    """Run the ways of these names; each is called with the provider's latency in ms."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        address = stack.enter_context(provider(folder))
        started: dict[str, Way] = {}
        if DIRECT in names:
            (folder / "direct").mkdir()
            os.environ |= {"PROVIDER_URL": address, "PICTURES": str(folder / "direct")}
            started[DIRECT] = Way(lambda ms: _discard(make_picture(_prompt(ms))), folder / "direct")
        for each in ALTERNATIVES:
            if each.name in names:
                own = folder / each.module
                run = stack.enter_context(alternative(each, own, address))
                started[each.name] = Way(_asking(run), own)
        if OURS in names:
            run = stack.enter_context(_ours(folder / "ours", address))
            started[OURS] = Way(_asking(run), folder / "ours")
        for way in started.values():
            _warm(way.call)
        yield started


@contextmanager
def _ours(folder: Path, address: str) -> Iterator[str]:
    settings = {**_SETTINGS, "SANDBOX_URL": address}
    folder.mkdir()
    worker = ("celery", "-q", "-A", "worker.celery_app", "worker", "--without-gossip")
    with web(folder, 2, **settings) as server:
        urls = {"REDIS_URL": server.redis_url, "STORAGE_URL": str(folder / "images")}
        with running(worker, folder / "worker.log", {**settings, **urls}):
            yield f"http://127.0.0.1:{server.port}/generate_image?wait=60"


def _prompt(ms: int) -> str:
    return f"A lighthouse on a cliff at dusk, long exposure, latency={ms}"


def _asking(address: str) -> Call:
    def ask(ms: int) -> None:
        answer = requests.post(address, json={"prompt": _prompt(ms)}, timeout=120)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}: {answer.text[:200]}")

    return ask


def _discard(_: object) -> None:
    """Take what nobody needs."""


def _warm(call: Call) -> None:
    with ThreadPoolExecutor(_WARM) as pool:
        list(pool.map(call, [0] * _WARM * 4))


def _timed(call: Call, ms: int, begin: float) -> float:
    """Return the seconds since a moment when the call is answered, FAILED when it is refused."""
    try:
        call(ms)
    except (RuntimeError, requests.RequestException) as error:
        print(error, file=sys.stderr, flush=True)
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


def measure(ways: Mapping[str, Way], latencies: Sequence[int]) -> Cells:
    """Return what each way's jobs took, by callers and latency; the ways take turns in each round."""
    cells: dict[tuple[int, int], dict[str, Took]] = {
        (callers, ms): {name: Took() for name in ways}
        for callers in (1, _CROWD)
        for ms in latencies
    }
    for round_ in range(ROUNDS):
        for ms in latencies:
            one, many = LATENCIES[ms]
            for name, seconds in alone(ways, ms, one).items():
                cells[1, ms][name].add(seconds)
            if round_ and ms >= _ONE_ROUND_MS:
                continue
            for name, way in ways.items():
                took, before = cells[_CROWD, ms][name], cpu_of(way.folder)
                took.add(crowd(way.call, ms, many))
                took.cpu += cpu_of(way.folder) - before
            print(f"round {round_ + 1}, {ms} ms: done", file=sys.stderr, flush=True)
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
    every = [DIRECT, *(each.name for each in ALTERNATIVES), OURS]
    chosen = [name for name in every if name in words]
    names = [DIRECT, *(name for name in chosen if name != DIRECT)] if chosen else every
    latencies = [ms for ms in LATENCIES if str(ms) in words] or list(LATENCIES)
    with ways(names) as running_ways:
        cells = measure(running_ways, latencies)
    plot = Bars(
        "A waited job over the direct call: median of 50 callers, 10 jobs a second",
        "ms (logarithmic)",
        [f"{ms:,} ms" for ms in latencies],
        {
            name: [
                max(0.1, cells[_CROWD, ms][name].ms(0.5) - cells[_CROWD, ms][DIRECT].ms(0.5))
                for ms in latencies
            ]
            for name in names
            if name != DIRECT
        },
        log=True,
    )
    notes = [
        "The direct call's own figures stand in its rows. CPU: web, worker and Redis of the 50 callers."
    ]
    report("overhead", _HEAD, rows(cells), plot, notes)


if __name__ == "__main__":
    main(sys.argv[1:])
