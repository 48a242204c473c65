"""Measure the use of the provider's limit: `python -m benchmarks.limit_use [words]`.

One, two and four workers, a provider that takes 3 s, and up to 50 ms of travel. Jobs come at the rate
of the limit, one by one or as 150 every 10 s, to this service and to Celery alone: with its own
`rate_limit`, as much in sum as this service takes, divided among the workers, and with none. Two cases
run at once. The provider counts calls where they arrive, in an exact window, and a call too many locks
everybody out for 60 s, as it is documented. With words: only those ways whose name holds one.
"""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from benchmarks.alternatives.bare_workers import bare_celery
from benchmarks.figures import LIMIT, busiest, lost, use
from benchmarks.fleet import fleet
from benchmarks.plots import Bars
from benchmarks.provider import LOCKOUT_SECONDS, Conduct, Counted, Provider
from benchmarks.report import progress, report
from shared.moves import Pace
from shared.settings import load_settings

TRAVEL_SECONDS = 0.05
OURS, DIVIDED, UNLIMITED = "this service", "Celery, rate_limit divided", "Celery, no limit"
WORKERS = (1, 2, 4)
# From here on use is told: the first jobs find an idle service.
_WARM_SECONDS = 5.0
# Whole bursts.
_SECONDS = 20.0
# As long as a lock-out and what leads to it.
_SECONDS_WITH_LOCKOUT = LOCKOUT_SECONDS + 10
_START_SECONDS = 180
_CONDUCT = Conduct(jitter=TRAVEL_SECONDS, lockout=LOCKOUT_SECONDS)
_HEAD = (
    "way", "workers", "jobs come", "calls", "use %", "slots lost", "429s", "locked out, s of",
    "most in any 10 s",
)  # fmt: skip
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

    @property
    def come(self) -> str:
        """How its jobs come."""
        return "one by one" if self.burst == 1 else f"{self.burst} at once"


@dataclass(frozen=True, slots=True)
class Used:
    """What arrived at a case's provider; use is told of the time from begin until end, in seconds."""

    case: Case
    counted: Counted
    begin: float
    end: float

    @property
    def calls(self) -> list[float]:
        """The accepted calls of that time."""
        return [moment for moment in self.counted.accepted if self.begin <= moment < self.end]

    @property
    def use(self) -> float:
        """The per cent of what the limit allows."""
        return use(self.counted.accepted, self.begin, self.end)

    @property
    def locked_out(self) -> float:
        """For how many seconds of that time nobody was let in."""
        spans = [(at, at + LOCKOUT_SECONDS) for at in self.counted.lockouts]
        return sum(max(0.0, min(end, self.end) - max(at, self.begin)) for at, end in spans)


def cases() -> list[list[Case]]:
    """Return the cases, those together that run at the same time: two of one way."""
    bursts = (1, LIMIT.calls)
    return [
        *([_of_ours(workers, burst) for burst in bursts] for workers in WORKERS),
        [_divided(1, 1), _divided(4, 1)],
        [_divided(2, burst) for burst in bursts],
        [_unlimited(2, burst) for burst in bursts],
    ]


def _of_ours(workers: int, burst: int) -> Case:
    return Case(OURS, workers, burst, _SECONDS, partial(_ours, workers))


def _divided(workers: int, burst: int) -> Case:
    side = partial(_bare_side, workers, divided_rate(workers))
    return Case(DIVIDED, workers, burst, _SECONDS, side)


def _unlimited(workers: int, burst: int) -> Case:
    side = partial(_bare_side, workers, "")
    return Case(UNLIMITED, workers, burst, _SECONDS_WITH_LOCKOUT, side)


def divided_rate(workers: int) -> str:
    """Return each worker's share of what this service takes of the limit, as Celery's `rate_limit`."""
    return f"{60 / _interval() / workers:.2f}/m"


@contextmanager
def _ours(workers: int) -> Iterator[Side]:
    with fleet(workers, _CONDUCT) as stands:
        yield Side(stands.submit, stands.provider)


@contextmanager
def _bare_side(workers: int, rate: str) -> Iterator[Side]:
    with bare_celery(workers, rate, _CONDUCT) as (submit, provider):
        yield Side(submit, provider)


def measure(case: Case, others: threading.Barrier) -> Used:
    """Submit at the rate of the limit for the case's time, from when all others have started, too."""
    try:
        with case.side() as side:
            others.wait(_START_SECONDS)
            begin = time.monotonic()
            step = case.burst * LIMIT.seconds / LIMIT.calls
            for number in range(math.ceil((_WARM_SECONDS + case.seconds) / step)):
                time.sleep(max(0.0, begin + number * step - time.monotonic()))
                side.submit(case.burst)
            end = begin + _WARM_SECONDS + case.seconds
            time.sleep(max(0.0, end - time.monotonic()))
            return Used(case, side.provider.counted(), begin + _WARM_SECONDS, end)
    except BaseException:
        others.abort()
        raise


def together(group: Sequence[Case]) -> list[Used]:
    """Measure cases at the same time."""
    others = threading.Barrier(len(group))
    with ThreadPoolExecutor(len(group)) as pool:
        return list(pool.map(partial(measure, others=others), group))


def row(used: Used) -> list[object]:
    """Return a line of the table."""
    return [
        used.case.way,
        used.case.workers,
        used.case.come,
        len(used.calls),
        round(used.use, 1),
        _lost(used),
        used.counted.refused,
        f"{used.locked_out:.0f} of {used.end - used.begin:.0f}",
        busiest(used.counted.accepted),
    ]


def _lost(used: Used) -> str:
    """Return the slots that were lost; nothing where none could be used, or nobody used one."""
    if used.locked_out or len(used.calls) < 2:
        return ""
    return f"{lost(used.calls, _interval()):.1f}"


def plot(found: Sequence[Used]) -> Bars:
    """Return the use by how many workers there are and how jobs come, a bar for each way."""
    told = {(_place(used.case), used.case.way): round(used.use, 1) for used in found}
    places, ways = (list(dict.fromkeys(names)) for names in zip(*told, strict=True))
    series = {way: [told.get((place, way)) for place in places] for way in ways}
    return Bars("Use of the provider's limit", "%", places, series)


def _place(case: Case) -> str:
    return f"{case.workers} worker{'s' if case.workers > 1 else ''}, {case.come}"


def in_short(found: Sequence[Used]) -> str:
    """Return the use and the refusals of each way."""
    parts = []
    for way in dict.fromkeys(used.case.way for used in found):
        of_way = [used for used in found if used.case.way == way]
        shares = [used.use for used in of_way]
        refused = sum(used.counted.refused for used in of_way)
        parts.append(f"{way} {min(shares):.1f} to {max(shares):.1f} % with {refused} times 429")
    return "; ".join(parts)


def main(words: Sequence[str]) -> None:
    """Measure and report."""
    found: list[Used] = []
    for group in cases():
        chosen = [case for case in group if not words or any(word in case.way for word in words)]
        found += together(chosen) if chosen else []
        for used in found[-len(chosen) :] if chosen else []:
            progress(*row(used))
    allowed = 100 * LIMIT.seconds / (LIMIT.calls * _interval())
    notes = [
        f"The guard of {load_settings(None).provider_rate_guard_ms} ms allows {allowed:.1f} %.",
        f"Celery's workers have the same in sum ({divided_rate(1)}), and 100 greenlets.",
        "They take no task before a greenlet is free for it; their Redis writes no file.",
        "Two cases of one way run at once: most of their time is a wait.",
    ]
    report("limit_use", _HEAD, [row(used) for used in found], plot(found), notes, in_short(found))


def _interval() -> float:
    return Pace.of(LIMIT, load_settings(None).provider_rate_guard_ms).interval_ms / 1000


if __name__ == "__main__":
    main(sys.argv[1:])
