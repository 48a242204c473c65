"""A minute of `make chaos`: every part is killed, a worker frozen, the provider misbehaves."""

from pathlib import Path

from tests.chaos.plan import PARTS
from tests.chaos.run import Course, chaos


def test_nothing_is_lost_and_nothing_is_paid_twice_without_need(tmp_path: Path) -> None:
    report = chaos(tmp_path, Course(seconds=55, seed=3, callers=3, drain=90))

    print(report.printed)
    assert report.verdict.acquitted, report.printed
    assert report.verdict.ends["succeeded", ""] > 20
    hit = {(deed.word, deed.what) for deed in report.misdeeds if deed.hit}
    assert {("kill", part) for part in PARTS} | {("freeze", "second worker")} <= hit
    assert sum(deed.word == "fault" and deed.hit for deed in report.misdeeds) >= 5
