"""A job's record and names."""

from dataclasses import fields

import pytest

from shared.folder_store import FolderStore
from shared.jobs import TERMINAL, Job, from_record, new_image_name, new_job_id, to_record
from tests.builders import a_job


def record(job: Job) -> dict[str, str]:
    """Return what the store would keep of a whole job."""
    values = {field.name: getattr(job, field.name) for field in fields(job) if field.name != "id"}
    return to_record(values)


FULL = a_job(
    request={"prompt": "füchse \U0001f98a", "seed": 0, "creativity": 0.2},
    metadata={"chat": "7"},
    request_id="r1",
    input="a.png",
    started=1,
    finished=2,
    attempts=3,
    unknown=1,
    unreached=2,
    sent=4,
    slot=5,
    provider_id="p",
    provider_ms=0,
    result={"seed": None, "width": 64},
    credits=0,
    error="No.\nNo.",
    error_code="internal",
    trouble="provider_timeout",
    provider_request_id="x",
    claim="c",
    owner="alice",
    batch="b",
    retry_of="j",
    webhook="https://images.example.com/hook",
    image_gone="deleted",
    expires=9,
)


@pytest.mark.parametrize("job", [FULL, a_job()], ids=["full", "new"])
def test_a_job_survives_its_record(job: Job) -> None:
    assert from_record(job.id, record(job)) == job


def test_every_field_of_a_job_is_in_its_record() -> None:
    assert set(record(FULL)) == {field.name for field in fields(FULL)} - {"id"}


def test_none_and_empty_are_left_out_and_zero_is_not() -> None:
    kept = to_record({"input": "", "metadata": {}, "error": None, "credits": 0, "estimate": 0})

    assert kept == {"credits": "0", "estimate": "0"}


def test_the_version_of_a_record_is_no_field_of_a_job() -> None:
    job = a_job()

    assert from_record(job.id, {**record(job), "schema": "1"}) == job


@pytest.mark.parametrize("status", ["queued", "running", "succeeded", "failed", "canceled"])
def test_a_job_has_ended_in_three_states(status: str) -> None:
    assert a_job(status=status).terminal == (status in TERMINAL)
    assert {"succeeded", "failed", "canceled"} == TERMINAL


def test_ids_are_128_bits_in_hex_and_all_different() -> None:
    ids = {new_job_id() for _ in range(1_000)}

    assert len(ids) == 1_000
    assert all(len(job_id) == 32 and int(job_id, 16) >= 0 for job_id in ids)


@pytest.mark.parametrize(("form", "ending"), [("webp", "webp"), ("png", "png"), ("jpeg", "jpg")])
def test_names_are_what_the_image_store_opens_and_all_different(form: str, ending: str) -> None:
    names = {new_image_name(form) for _ in range(1_000)}

    assert len(names) == 1_000
    assert all(FolderStore.is_name(name) and name.endswith(f".{ending}") for name in names)
