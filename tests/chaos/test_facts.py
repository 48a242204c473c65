"""What is read out of the books when it is over."""

import hashlib
import json
from pathlib import Path
from typing import Any

from shared.job_index import JobIndex
from shared.job_store import JobStore
from tests.builders import accepted
from tests.chaos import facts
from tests.chaos.judge import Charge, Picture
from tests.pictures import picture

ENTRY = {
    "id": 1,
    "arrived": "2026-11-26T12:00:01.500+00:00",
    "time": "2026-11-26T12:00:03.000+00:00",
    "fields": {"prompt": "a cat"},
    "input_sha256": None,
    "output_sha256": None,
    "fault": None,
}
ARRIVED = 1795694401.5


def ledger(folder: Path, *lines: dict[str, Any]) -> Path:
    path = folder / "ledger.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_charge_is_known_by_its_prompt_and_completed_by_later_lines(tmp_path: Path) -> None:
    path = ledger(tmp_path, {**ENTRY, "fault": "cut"}, {"id": 1, "output_sha256": "abc"})

    assert facts.charges(path, {}) == [Charge("a cat", ARRIVED, ARRIVED + 1.5, "cut", "abc")]


def test_a_charge_without_a_prompt_is_known_by_the_picture_that_was_sent(tmp_path: Path) -> None:
    path = ledger(tmp_path, {**ENTRY, "fields": {}, "input_sha256": "of-an-upload"})

    assert [charge.mark for charge in facts.charges(path, {"of-an-upload": "c1-7"})] == ["c1-7"]


def test_a_picture_that_is_cut_short_or_does_not_decode_is_broken(tmp_path: Path) -> None:
    whole = picture(form="jpeg")
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "short.jpg").write_bytes(whole[:-20])
    (tmp_path / "inputs").mkdir()

    found = facts.pictures(facts.files(tmp_path))

    assert found["whole.jpg"] == Picture(hashlib.sha256(whole).hexdigest())
    assert found["short.jpg"].fault
    assert found.keys() == {"whole.jpg", "short.jpg"}


def test_every_job_of_the_store_is_read_with_its_mark(store: JobStore, index: JobIndex) -> None:
    for number in range(105):
        accepted(store, metadata={"mark": f"c1-{number}"})

    found = facts.stored_jobs(index)

    assert sorted(job.mark for job in found) == sorted(f"c1-{number}" for number in range(105))
    assert {job.status for job in found} == {"queued"}
    assert facts.open_jobs(index)


def test_no_job_is_open_in_an_empty_store(store: JobStore, index: JobIndex) -> None:
    assert not facts.open_jobs(index)
