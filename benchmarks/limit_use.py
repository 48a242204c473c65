"""Measure the use of the provider's limit: `python -m benchmarks.limit_use [words]`.

One, two and four workers, a provider that takes 3 s, and up to 50 ms of travel. Jobs come at the rate
of the limit, one by one or as 150 every 10 s, to this service and to Celery alone: with its own
`rate_limit` divided among the workers, and with none. The provider counts calls where they arrive, in an
exact window, and a call too many locks everybody out for 60 s, as it is documented. With words: only
those ways whose name holds one.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.bare_workers import bare_celery
from benchmarks.figures import LIMIT, busiest, lost, use
from benchmarks.fleet import fleet
from benchmarks.plots import Bars
from benchmarks.provider import LOCKOUT_SECONDS, Conduct, Provider
from benchmarks.report import report
from shared.moves import Pace
from shared.settings import load_settings

TRAVEL_SECONDS = 0.05
# From here on use is told: the first jobs find an idle service.
_WARM_SECONDS = 5.0
_SECONDS = 40.0
# As long as a lock-out and what leads to it.
_SECONDS_WITH_LOCKOUT = LOCKOUT_SECONDS + 10
_CONDUCT = Conduct(jitter=TRAVEL_SECONDS, lockout=LOCKOUT_SECONDS)
_HEAD = ("way", "workers", "jobs come", "calls", "use %", "slots lost", "429s", "most in any 10 s")
Submit = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Side:
    """Who is submitted to, and the provider behind it."""

    submit: Submit
    provider: Provider


@dataclass(frozen=True, slots=True)
class Case:
    """One way with so many workers; `burst` is how many jobs come at once, `seconds` for how long."""

    way: str
    workers: int
    burst: int
    seconds: float
    side: Callable[[], AbstractContextManager[Side]]


def cases() -> list[list[Case]]:
    """Return the cases, those together that run at the same time."""
    groups = [
        [
            Case("this service", workers, burst, _SECONDS, partial(_ours, workers))
            for burst in (1, LIMIT.calls)
        ]
        for workers in (1, 2, 4)
    ]
    divided = [(1, 1), (2, 1), (4, 1), (2, LIMIT.calls)]
    groups.append([
        *(_bare("Celery, rate_limit divided", f"{60 * LIMIT.calls // LIMIT.seconds // workers}/m",
                workers, burst) for workers, burst in divided),
        _bare("Celery, no limit", "", 2, 1),
        _bare("Celery, no limit", "", 2, LIMIT.calls),
    ])  # fmt: skip
    return groups


def _bare(way: str, rate: str, workers: int, burst: int) -> Case:
    side = partial(_bare_side, workers, rate)
    return Case(way, workers, burst, _SECONDS_WITH_LOCKOUT, side)


@contextmanager
def _ours(workers: int) -> Iterator[Side]:
    with fleet(workers, _CONDUCT) as stands:
        yield Side(stands.submit, stands.provider)


@contextmanager
def _bare_side(workers: int, rate: str) -> Iterator[Side]:
    with bare_celery(workers, rate, _CONDUCT) as (submit, provider):
        yield Side(submit, provider)


def measure(case: Case) -> list[object]:
    """Submit at the rate of the limit for the case's time; return its row."""
    with case.side() as side:
        begin = time.monotonic()
        step = case.burst * LIMIT.seconds / LIMIT.calls
        for number in range(math.ceil((_WARM_SECONDS + case.seconds) / step)):
            time.sleep(max(0.0, begin + number * step - time.monotonic()))
            side.submit(case.burst)
        end = begin + _WARM_SECONDS + case.seconds
        time.sleep(max(0.0, end - time.monotonic()))
        counted = side.provider.counted()
    return row(case, counted.accepted, counted.refused, begin + _WARM_SECONDS, end)


def row(case: Case, calls: Sequence[float], refused: int, begin: float, end: float) -> list[object]:
    """Return a line of the table, of what arrived from begin until end (seconds)."""
    inside = [moment for moment in calls if begin <= moment < end]
    guard = load_settings(None).provider_rate_guard_ms
    interval = Pace.of(LIMIT, guard).interval_ms / 1000
    return [
        case.way,
        case.workers,
        "one by one" if case.burst == 1 else f"{case.burst} at once",
        len(inside),
        round(use(calls, begin, end), 1),
        f"{lost(inside, interval):.1f}",
        refused,
        busiest(calls),
    ]


def main(words: Sequence[str]) -> None:
    """Measure all; print the table."""
    rows: list[list[object]] = []
    for group in cases():
        chosen = [case for case in group if not words or any(word in case.way for word in words)]
        with ThreadPoolExecutor(len(group)) as pool:
            rows += pool.map(measure, chosen)
        for line in rows[-len(chosen) :] if chosen else []:
            print(*line, sep="\t", file=sys.stderr, flush=True)
    names = [f"{way}, {workers}, {come}" for way, workers, come, *_ in rows]
    plot = Bars(
        "Use of the provider's limit", "%", names, {"use": [float(str(line[4])) for line in rows]}
    )
    allowed = 100 * LIMIT.seconds / (LIMIT.calls * _interval())
    note = f"The guard of {load_settings(None).provider_rate_guard_ms} ms allows {allowed:.1f} %."
    report("limit_use", _HEAD, rows, plot, [note])


def _interval() -> float:
    return Pace.of(LIMIT, load_settings(None).provider_rate_guard_ms).interval_ms / 1000


if __name__ == "__main__":
    main(sys.argv[1:])
