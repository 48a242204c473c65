"""Measure what callers who wait cost, and when they are woken: `python -m benchmarks.waiting [words]`.

One API process holds them: as long polls, as streams, at the promised addresses of their images, each on
a job of its own. Jobs end at 100 a second, in three rounds of 4 s at most; then the rest, as fast as
Redis can write that. A wake-up is the time from a job's end, by the store's clock, to its answer's first
byte. With words: only these numbers of callers, and these of `long-poll`, `stream` and `image`.
"""

import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.callers import Ask, hold
from benchmarks.figures import quantile
from benchmarks.plots import Lines
from benchmarks.processes import open_files
from benchmarks.report import progress, report, spread
from benchmarks.web import Web, web
from shared.errors import StoreUnavailable
from shared.jobs import Job
from tests.builders import a_job
from tests.e2e.stack import eventually
from tests.pictures import picture

CALLERS = (100, 1_000, 5_000)
A_SECOND = 100
ROUNDS = 3
_ROUND_SECONDS = 4
_WARM = 50
# So many jobs are taken, or end, at once, each with a synced write of Redis's file.
_HANDS = 32
_LEASE_MS = 3_600_000
# Of this process, the API's and the callers' each: a connection a caller, and what else is open.
_SPARE_FILES = 500
_FINISHED: dict[str, Any] = {
    "result": {"format": "png", "width": 64, "height": 64, "bytes": 1_000, "seed": 7},
    "credits": 3_000,
    "provider_ms": 5,
}
_TRIES = 20
T = TypeVar("T")
_HEAD = (
    "kind", "callers", "KB each", "wrong or missing", f"ends a second (of {A_SECOND})",
    "woken then, ms: p50", "p99", "max",
    "the rest at once, a second", "p99 ms", "CPU ms a wake-up", "callers' own lag, p99 ms",
)  # fmt: skip
KINDS: dict[str, Callable[[Job], Ask]] = {
    "long poll": lambda job: Ask(f"/jobs/{job.id}?wait=900", _ended(job)),
    "stream": lambda job: Ask(f"/jobs/{job.id}/events", _ended(job)),
    "image": lambda job: Ask(f"/saved_images/{job.image}"),
}


@dataclass(frozen=True, slots=True)
class Held:
    """What one crowd has shown: bytes, CPU seconds, and by round the seconds until each was woken.

    `rest` are the wake-ups of those whose jobs ended at once, in so many seconds; `reached` is how many
    of the others' jobs ended a second.
    """

    kind: str
    callers: int
    memory: float
    cpu: float
    rounds: Sequence[Sequence[float]]
    rest: Sequence[float]
    rest_seconds: float
    reached: float
    wrong: int
    late: Sequence[float]

    def ms(self, share: float) -> list[float]:
        """Return a quantile of each round's wake-ups in ms."""
        return [1000 * quantile(one, share) for one in self.rounds if one]


def measure(server: Web, kind: str, callers: int, idle: float) -> Held:
    """Hold so many callers and end their jobs; `idle` is what the API held before anybody came."""
    with ThreadPoolExecutor(_HANDS) as pool:
        jobs = list(pool.map(lambda _: _persistent(lambda: _running(server)), range(callers)))
        with hold(server.port, [KINDS[kind](job) for job in jobs]) as crowd:
            eventually(lambda: server.held() + crowd.ended() == callers, 120, "the wait of all")
            held, cpu = server.memory(), server.cpu()
            _lay_pictures(server, jobs)
            paced = min(callers, ROUNDS * _ROUND_SECONDS * A_SECOND)
            _end(server, pool, jobs[:paced], A_SECOND)
            begun = time.monotonic()
            _end(server, pool, jobs[paced:])
            took = time.monotonic() - begun
            answers = crowd.answers()
    cpu = server.cpu() - cpu
    found = list(server.index.jobs(job.id for job in jobs))
    woken = since_the_end(found, jobs, answers.moments)
    return Held(
        kind,
        callers,
        held - idle,
        cpu,
        [_told(woken[at * paced // ROUNDS : (at + 1) * paced // ROUNDS]) for at in range(ROUNDS)],
        _told(woken[paced:]),
        took,
        ends_a_second(found, {job.id for job in jobs[:paced]}),
        answers.right.count(False),
        answers.late,
    )


def since_the_end(
    found: Iterable[Job], jobs: Sequence[Job], moments: Sequence[float]
) -> list[float | None]:
    """Return how many seconds after its job's end each was answered; None: never."""
    ended = {job.id: (job.finished or 0) / 1000 for job in found}
    return [
        moment - ended[job.id] if moment else None
        for job, moment in zip(jobs, moments, strict=True)
    ]


def ends_a_second(found: Iterable[Job], ids: Collection[str]) -> float:
    """Return how many of these jobs ended a second, from the first end to the last."""
    ends = sorted((job.finished or 0) / 1000 for job in found if job.id in ids)
    took = ends[-1] - ends[0] if ends else 0.0
    return (len(ends) - 1) / took if took else math.nan


def _told(woken: Sequence[float | None]) -> list[float]:
    return [each for each in woken if each is not None]


def _ended(job: Job) -> tuple[bytes, ...]:
    return job.id.encode(), b'"succeeded"'


def _persistent(step: Callable[[], T]) -> T:
    """Take a step against the store, again when a disk that stands still has it give no answer."""
    for _ in range(_TRIES):
        with suppress(StoreUnavailable):
            return step()
    return step()


def _running(server: Web) -> Job:
    job = server.store.accept(a_job(deadline=_LEASE_MS), 1_000_000).job
    claimed = server.store.claim(job.id, "benchmark", _LEASE_MS)
    if claimed is None:
        raise RuntimeError("A job could not be claimed")
    return claimed


def _lay_pictures(server: Web, jobs: Sequence[Job]) -> None:
    """Put each job's picture where it belongs; one is written, and the others are names of it."""
    folder, first = server.folder / "images", jobs[0].image
    server.images.put(first, picture(form="png"))
    for job in jobs[1:]:
        os.link(folder / first, folder / job.image)


def _end(server: Web, pool: ThreadPoolExecutor, jobs: Sequence[Job], a_second: int = 0) -> None:
    """End jobs, so many a second; 0: all at once."""
    begin = time.monotonic()

    def end(number: int) -> None:
        if a_second:
            time.sleep(max(0.0, begin + number / a_second - time.monotonic()))
        _persistent(partial(server.store.succeed, jobs[number].id, **_FINISHED))

    list(pool.map(end, range(len(jobs))))


def row(held: Held) -> list[object]:
    """Return a line of the table; times are medians of the rounds, with the least and the most."""
    at_once = ["", ""]
    if held.rest:
        at_once = [f"{len(held.rest) / held.rest_seconds:.0f}"]
        at_once += [f"{1000 * quantile(held.rest, 0.99):.0f}"]
    return [
        held.kind,
        held.callers,
        f"{held.memory / held.callers / 1000:.0f}",
        held.wrong,
        f"{held.reached:.0f}",
        *(spread(held.ms(share), ".0f") for share in (0.5, 0.99, 1)),
        *at_once,
        f"{1000 * held.cpu / held.callers:.2f}",
        f"{1000 * quantile(held.late, 0.99):.0f}",
    ]


def plot(found: Sequence[Held]) -> Lines:
    """Return the wake-ups of each kind by the number of callers."""
    points: dict[str, list[tuple[float, float]]] = {}
    for held in sorted(found, key=lambda each: each.callers):
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            if of_rounds := held.ms(share):
                place = (held.callers, quantile(of_rounds, 0.5))
                points.setdefault(f"{held.kind}, {name}", []).append(place)
    title = f"From a job's end to its caller, {A_SECOND} jobs a second"
    return Lines(title, "callers who wait", "ms", points, log_x=True)


def main(words: Sequence[str]) -> None:
    """Measure every kind with every number of callers; report."""
    numbers = sorted(int(word) for word in words if word.isdigit()) or CALLERS
    named = [word.replace("-", " ") for word in words]
    kinds = [kind for kind in KINDS if kind in named] or list(KINDS)
    open_files(max(numbers) + _SPARE_FILES)
    found = []
    for kind in kinds:
        with tempfile.TemporaryDirectory() as folder, web(Path(folder)) as server:
            measure(server, kind, _WARM, 0)
            idle = server.memory()
            for callers in numbers:
                found.append(measure(server, kind, callers, idle))
                progress(*row(found[-1]))
    notes = [
        f"One API process; memory (PSS) over what it held after {_WARM} callers had come and gone.",
        f"{ROUNDS} rounds, of {_ROUND_SECONDS} s at most.",
        "The callers are in a process of their own; its lag behind its clock is part of each time.",
    ]
    report("waiting", _HEAD, [row(held) for held in found], plot(found), notes, in_short(found))


def in_short(found: Sequence[Held]) -> str:
    """Return the most memory, the slowest round and what was wrong, of the largest crowds."""
    most = max(held.callers for held in found)
    largest = [held for held in found if held.callers == most]
    memory = max(held.memory / held.callers / 1000 for held in largest)
    worst = max((ms for held in largest for ms in held.ms(0.99)), default=math.nan)
    wrong = sum(held.wrong for held in largest)
    return (
        f"{most:,} callers hold {memory:.0f} KB each at most and are woken within {worst:.0f} ms"
        f" (p99 of the slowest round); {wrong} answers wrong or missing"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
