"""A batch: its record, its status, and what callers are told of it."""

from dataclasses import replace
from typing import Any

import pytest

from shared.batches import STATUSES, Batch, from_batch_record
from shared.jobs import Job
from shared.settings import load_settings
from shared.views import batch_view, in_credits
from tests.builders import a_job

SETTINGS = load_settings(None)
ARCHIVE = "archive_url has the images that were made in one file."


def a_batch(finished: int | None = None, **counts: Any) -> Batch:
    """Return a batch with so many jobs in each status."""
    jobs = tuple(f"j{number}" for number in range(sum(counts.values())))
    return Batch(id="b", jobs=jobs, created=1_000, finished=finished, **counts)


def told(batch: Batch, *jobs: Job, **settings: Any) -> dict[str, Any]:
    """Return what callers are told of a batch."""
    known = load_settings(None, **settings) if settings else SETTINGS
    return {**batch_view(batch, jobs, known)}


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({"queued": 3}, "queued"),
        ({"queued": 2, "running": 1}, "running"),
        ({"queued": 2, "succeeded": 1}, "running"),
        ({"queued": 1, "failed": 2}, "running"),
        ({"running": 3}, "running"),
    ],
    ids=str,
)
def test_a_batch_with_open_jobs_is_queued_until_the_first_begins(
    counts: dict[str, int], status: str
) -> None:
    assert a_batch(**counts).status == status
    assert not a_batch(**counts).terminal


@pytest.mark.parametrize(
    ("counts", "status"),
    [
        ({"succeeded": 3}, "succeeded"),
        ({"failed": 3}, "failed"),
        ({"canceled": 3}, "canceled"),
        ({"failed": 2, "canceled": 1}, "canceled"),
        ({"succeeded": 1, "failed": 2}, "partial"),
        ({"succeeded": 2, "canceled": 1}, "partial"),
        ({"succeeded": 1, "failed": 1, "canceled": 1}, "partial"),
    ],
    ids=str,
)
def test_a_batch_that_has_ended_is_what_its_jobs_are(counts: dict[str, int], status: str) -> None:
    batch = a_batch(finished=2_000, **counts)

    assert (batch.status, batch.terminal) == (status, True)


def test_the_counts_have_every_status_and_the_total_is_their_sum() -> None:
    batch = a_batch(queued=1, succeeded=2)

    assert list(batch.counts) == list(STATUSES)
    assert (batch.counts["succeeded"], batch.counts["failed"]) == (2, 0)
    assert batch.total == 3


def test_a_batch_survives_its_record() -> None:
    record = {
        "schema": "1",
        "jobs": "j0 j1",
        "created": "5",
        "revision": "7",
        "metadata": '{"a":"1"}',
        "request_id": "12",
        "webhook": "https://images.example.com/7",
        "finished": "9",
        "queued": "0",
        "succeeded": "2",
        "from_a_newer_version": "x",
    }

    batch = from_batch_record("b", record)

    assert (batch.jobs, batch.created, batch.revision) == (("j0", "j1"), 5, 7)
    assert (batch.metadata, batch.request_id) == ({"a": "1"}, "12")
    assert (batch.webhook, batch.finished, batch.succeeded) == (record["webhook"], 9, 2)


def test_a_batch_tells_how_far_it_is() -> None:
    job = a_job(id="j0", created=1_000)

    view = told(replace(a_batch(queued=1, running=2, succeeded=37), revision=9), job)

    assert view == view | {
        "batch_id": "b",
        "status": "running",
        "revision": 9,
        "message": "37 of 40 jobs have ended. Ask again in 2 seconds, or watch events_url.",
        "counts": {"queued": 1, "running": 2, "succeeded": 37, "failed": 0, "canceled": 0},
        "total": 40,
        "progress": 0.925,
        "status_url": "/batches/b",
        "events_url": "/batches/b/events",
        "archive_url": "/batches/b/archive",
        "poll_after_seconds": 2,
        "metadata": {},
        "created_at": "1970-01-01T00:00:01.000Z",
        "finished_at": None,
    }
    assert view["jobs"] == [
        {
            "job_id": "j0",
            "status": "queued",
            "status_url": "/jobs/j0",
            "image_url": f"/saved_images/{job.image}",
            "error": None,
            "error_code": None,
        }
    ]


def test_the_progress_is_the_share_of_jobs_that_have_ended_however() -> None:
    assert told(a_batch(queued=3))["progress"] == 0
    assert told(a_batch(running=1, succeeded=1, failed=1, canceled=1))["progress"] == 0.75
    assert told(a_batch(finished=2_000, failed=3))["progress"] == 1


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"succeeded": 2}, "All 2 images are ready; archive_url has them in one file."),
        (
            {"succeeded": 1, "failed": 1},
            f"The batch has ended: 1 succeeded, 1 failed. {ARCHIVE}",
        ),
        ({"failed": 1, "canceled": 1}, "The batch has ended: 1 failed, 1 canceled."),
    ],
    ids=str,
)
def test_the_message_of_a_batch_that_has_ended_tells_what_came_of_it(
    counts: dict[str, int], message: str
) -> None:
    view = told(a_batch(finished=2_000, **counts))

    assert (view["message"], view["poll_after_seconds"]) == (message, None)
    assert view["finished_at"] == "1970-01-01T00:00:02.000Z"


def test_a_batch_tells_what_it_has_cost_and_what_it_would() -> None:
    jobs = [
        a_job(status="succeeded", credits=6_500, estimate=6_500),
        a_job(status="failed", credits=0, estimate=6_500),
        a_job(status="canceled", credits=None, estimate=3_000),
    ]

    view = told(a_batch(finished=2_000, succeeded=1, failed=1, canceled=1), *jobs)

    assert (view["credits"], view["credits_estimate"]) == (6.5, 16)
    assert in_credits(16_000) == 16


def test_a_job_of_a_batch_tells_its_fault_and_promises_no_image_then() -> None:
    job = a_job(status="failed", error="It went wrong", error_code="provider_error")

    (view,) = told(a_batch(finished=2_000, failed=1), job)["jobs"]

    assert (view["image_url"], view["error"]) == (None, "It went wrong")
    assert view["error_code"] == "provider_error"


def test_every_address_is_absolute_where_the_service_has_a_name() -> None:
    base = "https://images.example.com"

    view = told(a_batch(queued=1), a_job(), public_base_url=base, allow_anonymous=True)

    addresses = [view[name] for name in ("status_url", "events_url", "archive_url")]
    addresses += [view["jobs"][0][name] for name in ("status_url", "image_url")]
    assert all(address.startswith(f"{base}/") for address in addresses)
