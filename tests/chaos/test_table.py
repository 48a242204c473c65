"""The table tells the innocent from the guilty."""

from dataclasses import replace

from tests.chaos.judge import Misdeed, judge
from tests.chaos.table import table
from tests.chaos.test_judge import AGAIN, CALL, INNOCENT, JOB


def test_tells_what_was_done_and_that_all_is_well() -> None:
    deeds = [Misdeed("kill", "redis", True, 1, 1), Misdeed("freeze", "worker", True, 1, 41)]

    told = table("A title", deeds, {"orders": 1}, judge(INNOCENT)).splitlines()

    assert told[0] == "A title"
    assert "SIGKILL of redis 1 0" in [" ".join(line.split()) for line in told]
    assert "  Freezes of more than 30 s: 1" in told
    assert told[-1] == "Every target is met."


def test_tells_each_target_that_was_missed_and_by_what() -> None:
    guilty = replace(INNOCENT, charges=[CALL, AGAIN], jobs=[replace(JOB, status="running")])

    told = table("A title", [], {}, judge(guilty))

    lines = [" ".join(line.split()) for line in told.splitlines()]
    assert "lost jobs 1 0 MISSED" in lines
    assert "unexplained 1 0 MISSED" in lines
    assert "lost: j1: is still running" in lines
    assert "paid twice for no reason: a cat" in lines
    assert lines[-1] == "A TARGET IS MISSED."
