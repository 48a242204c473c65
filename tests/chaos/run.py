"""`python -m tests.chaos.run`: what is lost or paid twice when everything dies at random?"""

import argparse
import random
import signal
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from shared.job_index import JobIndex
from shared.moves import Pace
from shared.services import connect
from tests.chaos import facts
from tests.chaos.callers import Callers
from tests.chaos.disasters import Disasters
from tests.chaos.house import PROVIDER_TIMEOUT, House
from tests.chaos.judge import Facts, Misdeed, Verdict, judge
from tests.chaos.misdeeds import Sandbox
from tests.chaos.plan import plan
from tests.chaos.table import table, timeline

_CALM_SECONDS = 60.0
_ANSWER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Course:
    """How long, how many callers, and by which random choices; `drain` seconds for what is left."""

    seconds: float = 600.0
    seed: int = 1
    callers: int = 4
    drain: float = 300.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    verdict: Verdict
    misdeeds: list[Misdeed]
    printed: str


def chaos(folder: Path, course: Course) -> Report:
    """Run a service of its own in a folder through a course; leaves no process behind."""
    begun = time.monotonic()
    with House(folder) as house:
        started = time.monotonic()
        with Callers([house.stack.base], course.seed, course.callers) as callers:
            sandbox = Sandbox(house.sandbox)
            misdeeds = _misbehave(house, sandbox, course)
            callers.stop(_ANSWER_SECONDS)
        stopped = time.monotonic()
        with closing(connect(house.stack.redis_url)) as redis:
            index = JobIndex(redis, Pace(0))
            facts.drain(index, course.drain)
            drained = time.monotonic()
            sandbox.tend()
            jobs, repeats = facts.books(index)
    (folder / "misdeeds").write_text(timeline(misdeeds))
    found = Facts(
        orders=callers.orders,
        jobs=jobs,
        pictures=facts.pictures(facts.files(house.stack.images)),
        charges=facts.charges(folder / "data" / "sandbox-ledger.jsonl", callers.uploads),
        misdeeds=misdeeds,
        repeats_counted=repeats,
        refused=callers.refused,
        over_limit=sandbox.over_limit,
        provider_timeout=PROVIDER_TIMEOUT,
    )
    verdict = judge(found)
    title = (
        f"Chaos with seed {course.seed}: {course.callers} callers, 2 workers; {started - begun:.0f} s"
        f" to start, {stopped - started:.0f} s of misdeeds, {drained - stopped:.0f} s until all"
        " jobs had ended"
    )
    return Report(verdict, misdeeds, table(title, misdeeds, callers.counts, verdict))


def _misbehave(house: House, sandbox: Sandbox, course: Course) -> list[Misdeed]:
    """Do what the course's seed says, then let everything be well; return what was done."""
    disasters = Disasters(house, sandbox)
    disasters.run(plan(course.seed, course.seconds, PROVIDER_TIMEOUT), course.seconds)
    house.wake()
    disasters.end()
    if not sandbox.calm(_CALM_SECONDS):
        raise RuntimeError("the sandbox did not come back")
    return disasters.done


def main() -> int:
    """Run a course and print what came of it; return 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    usual = Course()
    add = parser.add_argument
    add("--seconds", type=float, default=usual.seconds, help="of misdeeds (%(default)s)")
    add("--seed", type=int, help="of all random choices, to repeat a run (by chance)")
    add("--callers", type=int, default=usual.callers, help="at once (%(default)s)")
    add("--drain", type=float, default=usual.drain, help="seconds for what is left (%(default)s)")
    add("--folder", type=Path, help="where data, pictures and logs stay; else they are removed")
    asked = parser.parse_args()
    seed = random.randrange(1_000_000) if asked.seed is None else asked.seed
    course = Course(asked.seconds, seed, asked.callers, asked.drain)
    print(f"Chaos for {course.seconds:g} s; repeat it with --seed {seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder:
        place = asked.folder or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            parser.error(
                f"{place} is not empty: what an earlier run left there would be judged too"
            )
        try:
            report = chaos(place, course)
        except KeyboardInterrupt:
            print("Stopped by hand: nothing is judged.")
            return 130
    print(report.printed)
    return 0 if report.verdict.acquitted else 1


if __name__ == "__main__":
    sys.exit(main())
