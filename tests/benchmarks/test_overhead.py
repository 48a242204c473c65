"""What the comparison with others computes, and that a caller of each kind is answered."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from benchmarks.overhead import (
    ALONE,
    CROWD,
    FAILED,
    LATENCIES,
    Jobs,
    Took,
    alone,
    crowds,
    in_short,
    rows,
)
from benchmarks.picture_ways import DIRECT, OURS, Way, held_still
from benchmarks.submissions import BARE, STOPPED, Case
from benchmarks.submissions import rows as submitted
from benchmarks.submitters import Answers, as_fast_as_answered, at_a_rate
from tests.benchmarks.door import door
from tests.e2e.stack import eventually

HERE = Path(__file__).parent


@dataclass
class _Submitted:
    """Where jobs are submitted to: every second one is refused; `keys` are their Idempotency-Keys."""

    port: int = 0
    keys: list[str | None] = field(default_factory=list)

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        self.keys.append(request.headers["Idempotency-Key"])
        return (202 if len(self.keys) % 2 else 503), b"{}"


@pytest.fixture
def submitted_to() -> Iterator[_Submitted]:
    told = _Submitted()
    with door(told.answer) as told.port:
        yield told


def test_what_is_over_the_direct_call_is_told_quantile_by_quantile() -> None:
    direct = Took([[number / 1000 for number in range(1, 101)]])
    way = Took([[number / 500 for number in range(1, 61)] * 2], cpu=1.2)

    told = rows({(ALONE, 50): {DIRECT: direct, "a way": way}})

    assert told[0][5:8] == pytest.approx([50, 95, 99])
    assert told[1][5:8] == pytest.approx([60 - 50, 114 - 95, 120 - 99])
    assert told[1][:5] == [ALONE, 50, "a way", 120, "60.0"]
    assert told[1][8:] == ["10.0", 0]


@pytest.mark.parametrize(("jobs", "quantiles"), [(19, 1), (20, 2), (99, 2), (100, 3)])
def test_a_quantile_of_too_few_jobs_is_not_told(jobs: int, quantiles: int) -> None:
    direct, way = Took([[0.010] * 100]), Took([[0.010] * jobs])

    told = rows({(CROWD, 50): {DIRECT: direct, "a way": way}})[1][5:8]

    assert told == [0.0] * quantiles + [""] * (3 - quantiles)


def test_what_is_compared_closely_has_a_p99_and_each_alternative_a_p95() -> None:
    for ms in (0, 50, 500):
        plan = LATENCIES[ms]
        assert plan.rounds * plan.crowd.closely >= 100
        assert plan.rounds * min(plan.crowd.others, plan.alone.others) >= 20


def test_our_share_is_told_in_short_with_the_p99_where_there_is_one() -> None:
    direct, ours = Took([[0.010] * 100]), Took([[0.015] * 98 + [0.045] * 2])
    few = Took([[0.020] * 3])

    told = in_short(
        {
            (ALONE, 0): {DIRECT: direct, OURS: ours},
            (CROWD, 0): {DIRECT: direct, OURS: ours},
            (CROWD, 5_000): {DIRECT: direct, OURS: few},
        }
    )

    assert told == (
        "this service takes over the direct call, with 10 jobs a second, at the median (and p99):"
        " 5 ms (35) at 0 ms, 10 ms at 5,000 ms"
    )


def test_who_asks_one_at_a_time_asks_each_way_as_often_as_it_is_compared(tmp_path: Path) -> None:
    asked: list[str] = []

    def asking(name: str) -> Way:
        return Way(lambda _: asked.append(name), tmp_path)

    ways = {name: asking(name) for name in (OURS, "RQ")}

    took = alone(ways, 0, Jobs(3, 1))

    assert asked == [OURS, "RQ", OURS, OURS]
    assert {name: len(seconds) for name, seconds in took.items()} == {OURS: 3, "RQ": 1}


def test_a_call_that_fails_is_counted_and_took_no_time() -> None:
    way = Took()

    way.add([0.010, FAILED])

    assert (way.jobs(), way.failed, way.ms(0.5)) == (1, 1, 10)


@pytest.mark.parametrize(("ms", "at_once"), [(5_000, True), (0, False)])
def test_ways_whose_calls_take_long_begin_when_the_one_before_has_sent_its_own(
    ms: int, at_once: bool, tmp_path: Path
) -> None:
    other_began, met = threading.Event(), []
    began: list[float] = []

    def first(_: int) -> None:
        met.append(other_began.wait(30 if at_once else 0.1))

    def second(_: int) -> None:
        began.append(time.monotonic())
        other_began.set()

    ways = {"first": Way(first, tmp_path), "second": Way(second, tmp_path)}
    took = {name: Took() for name in ways}
    begun = time.monotonic()
    crowds(ways, ms, Jobs(9, 2), took)

    assert met == [at_once] * 2
    assert min(began) - begun >= 0.2
    assert [each.jobs() for each in took.values()] == [2, 2]


def test_who_polls_is_held_still_while_others_are_asked(tmp_path: Path) -> None:
    folder = tmp_path / "polls"
    folder.mkdir()
    ways = {
        "polls": Way(lambda _: None, folder, polls=True),
        "other": Way(lambda _: None, tmp_path),
    }

    def state(pid: int) -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    given = {"FOLDER": f"{folder}/"}
    command = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(30)"]
    with subprocess.Popen(command, env=given, stdout=subprocess.PIPE) as worker:
        assert worker.stdout
        worker.stdout.readline()
        with held_still(ways, ["other"]):
            eventually(lambda: state(worker.pid) == "T", 5, "the stop")
        eventually(lambda: state(worker.pid) != "T", 5, "the end of the stop")
        with held_still(ways, ["polls"]):
            asked = state(worker.pid)
        worker.kill()

    assert asked != "T"


def test_what_is_accepted_stands_beside_what_is_only_sent() -> None:
    quick, slow = Answers([0.1] * 200, 0, 1.0), Answers([0.1] * 90, 2, 0.5)
    alone = Case(1, BARE, False, 0, HERE, 0.1, [quick], [Answers([0.01])])
    ours = Case(1, STOPPED, True, 0, HERE, 0.18, [slow], [Answers([0.02, 0.03], 1)])

    told = submitted([alone, ours])

    assert told[1][:6] == [1, STOPPED, "yes", "180", "0.90", "2.00"]
    assert told[1][6:] == [pytest.approx(20), pytest.approx(30), 3]


def test_a_rate_is_kept_and_other_answers_are_counted(submitted_to: _Submitted) -> None:
    answers = at_a_rate(submitted_to.port, 0.2, 200, keys=True)

    assert (len(answers.seconds), answers.others) == (20, 20)
    assert len(set(submitted_to.keys)) == 40
    assert answers.lasted >= 0.19


def test_who_is_answered_submits_again_until_the_time_is_up(submitted_to: _Submitted) -> None:
    answers = as_fast_as_answered(submitted_to.port, 0.2, keys=False)

    assert len(answers.seconds) + answers.others == len(submitted_to.keys) > 0
    assert set(submitted_to.keys) == {None}
