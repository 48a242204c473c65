"""Totals count each thing once: also when it is told twice, at once, and after its record is gone."""

from typing import Any

import pytest
from redis import Redis

from shared.deliveries import Try
from shared.jobs import Job
from shared.moves import Release
from tests.api.callers import RESULT, Api
from tests.api.scraping import Samples, metrics
from tests.builders import (
    CLAIM,
    a_job,
    accepted,
    accepted_batch,
    at_once,
    in_state,
    known,
    orphan,
    parked,
    running,
)

ENDED = "image_api_jobs_ended_total"
BYTES = 183_224
SPENT, UNKNOWN = "image_api_credits_spent_total", "image_api_credits_unknown_total"


def called(api: Api, **changes: Any) -> Job:
    """Return a job whose call was sent."""
    job = running(api.store, **changes)
    assert api.store.begin_call(job.id, CLAIM, 10_000).word == "go"
    return known(api.store, job.id)


def counts(told: Samples, name: str) -> float:
    """Return how many times a histogram has, over all labels."""
    return sum(value for labels, value in told.items() if labels[0] == f"{name}_count")


def test_a_job_that_many_end_at_once_has_ended_once(api: Api) -> None:
    jobs = [running(api.store) for _ in range(20)]

    at_once(lambda job: api.store.succeed(job.id, result=RESULT, provider_ms=900), jobs * 4, 8)

    told = metrics(api)
    assert told[ENDED, "", "generate", "succeeded"] == 20
    assert told["image_api_job_provider_seconds_count", "core"] == 20
    assert told["image_api_job_total_seconds_count", "generate", "succeeded"] == 20
    assert told["image_api_storage_used_bytes",] == 20 * BYTES


def test_how_jobs_ended_is_told_by_the_code_of_their_error(api: Api) -> None:
    for code in ("provider_error", "provider_error", "input_moderated"):
        api.store.fail(running(api.store).id, CLAIM, error_code=code, credits=0)
    in_state(api.store, "canceled")

    told = metrics(api)

    assert told[ENDED, "provider_error", "generate", "failed"] == 2
    assert told[ENDED, "input_moderated", "generate", "failed"] == 1
    assert told[ENDED, "", "generate", "canceled"] == 1


def test_a_total_outlives_the_record(api: Api) -> None:
    job = known(api.store, in_state(api.store, "failed"))
    assert api.services.retirement.retire(job)

    told = metrics(api)

    assert told["image_api_jobs", "generate", "failed"] == 0
    assert sum(value for labels, value in told.items() if labels[0] == ENDED) == 1


def test_what_is_accepted_twice_counts_once(api: Api) -> None:
    job = a_job()
    for _ in range(2):
        api.store.accept(job, 10_000)
    accepted_batch(api.store, 3)

    assert metrics(api)["image_api_jobs_accepted_total", "generate"] == 4


def test_a_job_has_waited_until_its_first_call(api: Api) -> None:
    job = called(api)
    api.store.release(job.id, CLAIM, Release(counter="unknown"))
    api.store.claim(job.id, "c2", 30_000)
    api.store.begin_call(job.id, "c2", 10_000)

    told = metrics(api)

    assert told["image_api_job_wait_seconds_count", "generate"] == 1
    assert told["image_api_provider_slots_total",] == 2


def test_no_total_falls_when_the_clock_goes_back(api: Api, redis_client: "Redis") -> None:
    job = running(api.store)
    redis_client.hincrby(f"images:job:{job.id}", "created", 3_600_000)

    api.store.begin_call(job.id, CLAIM, 10_000)
    api.store.succeed(job.id, result=RESULT, provider_ms=-5)

    told = metrics(api)
    times = {labels: value for labels, value in told.items() if labels[0].endswith("_seconds_sum")}
    assert set(times.values()) == {0}
    assert counts(told, "image_api_job_total_seconds") == 1


def test_a_turn_that_is_asked_for_again_is_one_slot(api: Api) -> None:
    job = called(api)
    assert api.store.begin_call(job.id, CLAIM, 10_000).word == "go"
    parked(api.store, 0)

    told = metrics(api)

    assert told["image_api_provider_slots_used",] == 2
    assert told["image_api_provider_slots_limit",] == 10_000


def test_a_slot_is_used_for_as_long_as_the_limit_s_window(api: Api) -> None:
    called(api)
    api.redis.lset("images:pace:slots", 0, "1")

    assert metrics(api)["image_api_provider_slots_used",] == 0


@pytest.mark.parametrize(("ms", "bucket"), [(1_000, "1.0"), (1_001, "2.5"), (700_000, "+Inf")])
def test_a_time_stands_in_its_bucket_and_those_above(api: Api, ms: int, bucket: str) -> None:
    api.store.succeed(running(api.store).id, provider_ms=ms)

    told = metrics(api)

    name = "image_api_job_provider_seconds"
    buckets = {
        labels[1]: value
        for labels, value in told.items()
        if (labels[0], labels[-1]) == (f"{name}_bucket", "core")
    }
    first = next(end for end, value in buckets.items() if value)
    assert first == bucket
    assert sum(buckets.values()) == len(buckets) - list(buckets).index(first)
    assert told[f"{name}_sum", "core"] == ms / 1_000


def test_what_is_known_to_have_cost_is_spent_once(api: Api) -> None:
    job = called(api)
    for _ in range(2):
        api.store.succeed(job.id, credits=3_000)
    canceled = called(api, variant="ultra", operation="generate/ultra", estimate=8_000)
    api.store.cancel([canceled.id])
    before = metrics(api)[SPENT, "ultra"]
    for _ in range(2):
        api.store.settle(canceled.id, CLAIM, 8_000)

    told = metrics(api)

    assert (told[SPENT, "core"], before, told[SPENT, "ultra"]) == (3, 0, 8)
    assert told[UNKNOWN, "core"] == 0


def test_what_nobody_knows_to_have_cost_is_told_apart(api: Api) -> None:
    job = orphan(api.store, api.redis, sent=True)
    api.store.release(job.id, CLAIM, Release(counter="unknown"))
    api.store.claim(job.id, "c2", 30_000)
    api.store.fail(job.id, "c2", error_code="outcome_unknown", credits=None)

    told = metrics(api)

    assert (told[SPENT, "core"], told[UNKNOWN, "core"]) == (0, 6)


def test_a_picture_takes_room_until_it_is_gone(api: Api) -> None:
    job = running(api.store)
    api.store.succeed(job.id, result=RESULT)
    old = in_state(api.store, "succeeded")  # of an earlier release: nobody counted its bytes
    kept = metrics(api)["image_api_storage_used_bytes",]
    for job_id in (job.id, job.id, old):
        api.store.forget_image(job_id, "deleted")

    told = metrics(api)

    assert (kept, told["image_api_storage_used_bytes",]) == (BYTES, 0)
    assert told["image_api_storage_written_bytes_total",] == BYTES
    assert told["image_api_storage_free_bytes",] > 0


def test_an_erased_picture_takes_no_room(api: Api) -> None:
    job = running(api.store)
    api.store.succeed(job.id, result=RESULT)

    assert api.call("POST", f"/operator/jobs/{job.id}/erase").status_code == 200

    assert metrics(api)["image_api_storage_used_bytes",] == 0


@pytest.mark.parametrize(
    ("status", "pause", "outcome"),
    [(204, 5_000, "delivered"), (500, 5_000, "retried"), (500, None, "given_up")],
)
def test_each_try_of_a_webhook_counts_once(
    api: Api, status: int, pause: int | None, outcome: str
) -> None:
    job = running(api.store, webhook="https://receiver.example/x")
    api.store.succeed(job.id)
    parcel = api.services.outbox.take("w1", 30_000, 4)
    assert parcel
    error = None if status == 204 else f"The receiver answered {status}"
    for _ in range(2):
        api.services.outbox.record(parcel, Try(1, status, error, 120), pause)

    told = metrics(api)

    tries = {
        labels[1]: value
        for labels, value in told.items()
        if labels[0] == "image_api_webhook_deliveries_total" and value
    }
    assert tries == {outcome: 1}
    assert told["image_api_webhook_seconds_sum",] == 0.12


def test_nothing_is_told_of_an_empty_house_but_zeros(api: Api) -> None:
    told = metrics(api)

    for name in ("image_api_job_wait_seconds", "image_api_job_provider_seconds"):
        assert counts(told, name) == 0
    assert told[ENDED, "", "upscale", "succeeded"] == 0
    accepted(api.store)
    assert metrics(api)["image_api_jobs_accepted_total", "generate"] == 1
