"""A short run of `python -m tests.fuzz.uploads`, and that it would notice."""

from pathlib import Path

import pytest

from shared.errors import BrokenImage
from tests.fuzz import uploads
from tests.fuzz.mutations import real_pictures
from tests.fuzz.uploads import fuzz

# Werkzeug leaves the file of a form that ends in the middle to the collector, which closes it at once.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.Spooled:ResourceWarning")


def test_nothing_that_is_uploaded_makes_anything_stumble(tmp_path: Path, redis_url: str) -> None:
    report = fuzz(tmp_path, redis_url, first=0, inputs=400, seed=1)

    assert not report.failures
    assert report.outcomes["worker", "sent as png"] > 40
    assert report.outcomes["app", "202"] > 3
    assert report.outcomes["app", "400"] > 40
    assert len([outcome for stage, outcome in report.outcomes if stage == "door"]) > 10


def test_every_real_picture_begins_as_one_that_is_known() -> None:
    starts = {data[:3] for data in real_pictures()}

    assert starts == {b"\x89PN", b"\xff\xd8\xff", b"RIF"}


@pytest.mark.parametrize(
    ("where", "complaint"), [("read_image", "the door raised"), ("prepare", "the worker raised")]
)
def test_a_crash_is_told_by_the_number_of_its_input(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch, where: str, complaint: str
) -> None:
    def crash(*_: object) -> None:
        raise IndexError("out of range")

    monkeypatch.setattr(uploads, where, crash)

    report = fuzz(tmp_path, redis_url, first=20, inputs=20, seed=1)

    assert report.failures
    assert all(complaint in failure for failure in report.failures)
    assert report.failures[0].startswith("input 2")


def test_a_refusal_of_the_worker_is_no_crash(
    tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise BrokenImage("no")

    monkeypatch.setattr(uploads, "prepare", refuse)

    report = fuzz(tmp_path, redis_url, first=20, inputs=20, seed=1)

    assert not report.failures
    assert report.outcomes["worker", "no"] > 0
