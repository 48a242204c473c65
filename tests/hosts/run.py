"""`python -m tests.hosts.run`: what is lost or paid twice when hosts are cut off from each other?"""

import argparse
import hashlib
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import requests

from shared.job_index import JobIndex
from shared.moves import Pace
from shared.services import connect
from tests.chaos import facts
from tests.chaos.callers import KINDS, LIGHT, Callers, Met
from tests.chaos.house import MANNERS, PROVIDER_TIMEOUT
from tests.chaos.judge import Facts, Misdeed, Picture, StoredJob, Verdict, judge
from tests.chaos.misdeeds import Sandbox
from tests.chaos.table import books
from tests.hosts.house import APIS, RATE, House
from tests.hosts.network import isolate
from tests.hosts.plan import Cut, plan
from tests.hosts.recovery import HEADERS, Held, Recovery
from tests.hosts.table import Outage, outages

_HOSTS = (
    "2 APIs, 3 workers, Redis, a bucket (a stand-in for S3), the sandbox as provider; one clock"
)
_CALM_SECONDS = 5.0
_AGAIN_SECONDS = 90.0
_ANSWER_SECONDS, _DRAIN_SECONDS = 30.0, 300.0


@dataclass(frozen=True, slots=True)
class Course:
    """How long, how many callers, and by which random choices."""

    seconds: float
    seed: int
    callers: int
    only: str = ""
    rate: str = RATE
    kinds: Mapping[str, int] = field(default_factory=lambda: KINDS)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it; `broken` are the promises of a service on several hosts that did not hold."""

    outages: Sequence[Outage]
    met: Sequence[Met]
    counts: Mapping[str, int]
    verdict: Verdict
    broken: Sequence[str]

    @property
    def acquitted(self) -> bool:
        """Whether every promise was kept."""
        return self.verdict.acquitted and not self.broken


def run(folder: Path, course: Course) -> Report:
    """Take a service of its own through a course; leaves no process behind."""
    with House(folder, course.rate) as house:
        sandbox = Sandbox(house.sandbox, {**MANNERS, "rate": course.rate})
        if not sandbox.calm(_ANSWER_SECONDS):
            raise RuntimeError("the sandbox does not answer")
        bases = [*house.bases.values()]
        with Callers(bases, course.seed, course.callers, HEADERS, course.kinds) as callers:
            time.sleep(_CALM_SECONDS)
            found = [_cut(house, cut) for cut in plan(course.seed, course.seconds, course.only)]
            callers.stop(_ANSWER_SECONDS)
        with closing(connect(house.redis_url)) as redis:
            index = JobIndex(redis, Pace(0))
            facts.drain(index, _DRAIN_SECONDS)
            sandbox.tend()
            jobs, repeats = facts.books(index)
        kept = facts.pictures(house.pictures())
        verdict = judge(
            Facts(
                orders=callers.orders,
                jobs=jobs,
                pictures=kept,
                charges=facts.charges(house.ledger, callers.uploads),
                misdeeds=[deed for outage in found for deed in _misdeeds(outage)],
                repeats_counted=repeats,
                refused=callers.refused,
                over_limit=sandbox.over_limit,
                provider_timeout=PROVIDER_TIMEOUT,
            )
        )
        broken = [*_broken(found, callers.met, verdict), *_unreachable(house, jobs, kept)]
    return Report(found, callers.met, callers.counts, verdict, broken)


def _cut(house: House, cut: Cut) -> Outage:
    """Cut a host off, put the cable back, and wait until everything works again."""
    host = house.hosts[cut.host]
    reachable = [house.bases[n] for n in APIS if n != cut.host or "front" not in cut.networks]
    asked = [name for name in APIS if cut.host in {name, "redis"}]
    held = {name: Held(house.bases[name]) for name in asked if house.bases[name] in reachable}
    time.sleep(1.0)  # so that it is held
    begun = time.time()
    for network in cut.networks:
        host.cut(network)
    time.sleep(cut.seconds)
    for network in cut.networks:
        host.heal(network)
    ended = time.time()
    again = dict(Recovery(house).measure(_AGAIN_SECONDS))
    again |= {f"{name} held": one.seconds_late(ended, _AGAIN_SECONDS) for name, one in held.items()}
    outage = Outage(cut, begun, ended, again, reachable)
    print(f"{time.strftime('%X')} {cut.host} was cut off from {cut.from_what}", flush=True)
    time.sleep(_CALM_SECONDS)
    return outage


def _misdeeds(outage: Outage) -> Iterator[Misdeed]:
    for what in outage.cut.whats:
        yield Misdeed("cut", what, True, outage.begun, outage.ended)


def _broken(found: Sequence[Outage], met: Sequence[Met], verdict: Verdict) -> Iterator[str]:
    for outage in found:
        where = f"{outage.cut.host}, cut off from {outage.cut.from_what}"
        yield from (f"{where}: {what}: not in {_AGAIN_SECONDS:.0f} s" for what in outage.deaf)
        yield from (
            f"{where}: a caller of {one.base} had no answer in {one.seconds:.0f} s"
            for one in outage.hung(met)
        )
    if number := sum(verdict.over_limit.values()):
        yield f"{number} calls went over the provider's limit"


def _unreachable(house: House, jobs: Sequence[StoredJob], kept: Mapping[str, Picture]) -> list[str]:
    """Fetch every picture from every API; name those that are not what the storage holds."""

    def fetch(one: tuple[str, str]) -> str:
        name, base = one
        answer = requests.get(f"{base}/saved_images/{name}", timeout=_ANSWER_SECONDS)
        same = hashlib.sha256(answer.content).hexdigest() == kept[name].sha256
        return "" if answer.ok and same else f"{base} answers {answer.status_code} for {name}"

    names = [job.image for job in jobs if job.status == "succeeded" and job.image in kept]
    with ThreadPoolExecutor(4) as pool:
        asked = [(name, base) for name in names for base in house.bases.values()]
        return [complaint for complaint in pool.map(fetch, asked) if complaint]


def table(title: str, report: Report) -> str:
    """Return what a person reads."""
    told = "Every promise is kept." if report.acquitted else "A PROMISE IS BROKEN."
    broken = [f"broken: {one}" for one in report.broken]
    return "\n".join(
        [
            title,
            _HOSTS,
            "",
            *outages(report.outages, report.met),
            "",
            *books(report.counts, report.verdict),
            "",
            *broken,
            told,
        ]
    )


def main() -> int:
    """Run a course and print what came of it; return 1 when a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--seconds", type=float, default=400.0, help="of cuts and recovery (%(default)s)")
    add("--seed", type=int, help="of all random choices, to repeat a run (by chance)")
    add("--callers", type=int, default=4, help="at once (%(default)s)")
    add(
        "--only",
        default="",
        choices=["worker", "api", "redis", "bucket", "sandbox"],
        help="cut such hosts",
    )
    add("--rate", default=RATE, help="of the provider's limit (%(default)s)")
    add("--light", action="store_true", help="orders that cost the sandbox little, for a high rate")
    add("--folder", type=Path, help="where data, pictures and logs stay; else they are removed")
    asked = parser.parse_args()
    try:
        isolate("tests.hosts.run")
    except OSError as error:
        print(f"hosts: {error}", file=sys.stderr)
        return 2
    seed = random.randrange(1_000_000) if asked.seed is None else asked.seed
    title = f"Several hosts, seed {seed}"
    print(f"{title}, for {asked.seconds:g} s", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder:
        place = asked.folder or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        if any(place.iterdir()):
            parser.error(f"{place} is not empty: what is there would be judged too")
        try:
            kinds = LIGHT if asked.light else KINDS
            course = Course(asked.seconds, seed, asked.callers, asked.only, asked.rate, kinds)
            report = run(place, course)
        except KeyboardInterrupt:
            print("Stopped by hand: nothing is judged.")
            return 130
    print(table(title, report))
    return 0 if report.acquitted else 1


if __name__ == "__main__":
    sys.exit(main())
