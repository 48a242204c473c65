"""POST /jobs/<id>/retry: a failed or canceled job again, as a new one."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import LONG, Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.builders import accepted, accepted_batch, at_once, in_state, known
from tests.pictures import picture


def retry(api: Api, job_id: str, query: str = "", **options: Any) -> TestResponse:
    """Ask for a job again."""
    return api.call("POST", f"/jobs/{job_id}/retry{query}", **options)


def failed(api: Api, **fields: Any) -> str:
    """Return the id of a job that was asked for and has failed."""
    job_id = api.job(api.generate(**fields)).id
    api.fail(job_id)
    return job_id


@pytest.mark.parametrize("end", ["fail", "cancel"])
def test_a_job_is_done_again_as_a_new_one_that_names_the_first(api: Api, end: str) -> None:
    fields = {"model": "ultra", "seed": 7, "metadata": {"a": "1"}, "deadline_seconds": 60}
    job = api.job(api.generate(**fields))
    api.fail(job.id) if end == "fail" else api.store.cancel([job.id])
    before = known(api.store, job.id)

    answer = retry(api, job.id)

    body, again = json_of(answer), api.job(answer)
    assert (answer.status_code, body["status"], body["retry_of"]) == (202, "queued", job.id)
    assert answer.headers["Location"] == f"/jobs/{again.id}"
    assert answer.headers["Retry-After"]
    assert again.id != job.id
    assert again.image != job.image
    assert (again.request, again.variant, again.metadata) == (job.request, "ultra", {"a": "1"})
    assert (again.estimate, again.deadline - again.created) == (8_000, 60_000)
    assert (again.attempts, again.error, again.credits) == (0, None, None)
    assert known(api.store, job.id) == before


def test_an_upscale_is_done_again_with_a_copy_of_its_input(api: Api) -> None:
    image = picture(80, 80, "jpeg")
    job = api.job(api.upscale(image))
    api.fail(job.id)

    again = api.job(retry(api, job.id))

    assert (again.kind, again.request) == ("upscale", job.request)
    assert again.input != job.input
    assert api.services.images.read_input(again.input) == image
    api.call("DELETE", f"/jobs/{job.id}/image")
    assert api.services.images.read_input(again.input) == image


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched", "running", "succeeded"])
def test_only_what_failed_or_was_canceled_is_done_again(api: Api, state: str) -> None:
    job_id = in_state(api.store, state)
    before = api.redis.dbsize()

    answer = retry(api, job_id)

    assert_fault(answer, 409, "conflict")
    assert known(api.store, job_id).status in json_of(answer)["error"]
    assert api.redis.dbsize() == before


@pytest.mark.parametrize("what", ["gone", "damaged"])
def test_an_upscale_whose_input_is_gone_can_not_be_done_again(api: Api, what: str) -> None:
    job = api.job(api.upscale())
    api.fail(job.id)
    (path,) = api.inputs()
    path.unlink() if what == "gone" else path.write_bytes(b"half")

    assert_fault(retry(api, job.id), 409, "conflict")
    assert len(api.inputs()) == (what == "damaged")


def test_an_unknown_job_can_not_be_done_again(api: Api) -> None:
    assert_fault(retry(api, "x"), 404, "not_found")


def test_a_job_of_a_batch_is_done_again_on_its_own(api: Api) -> None:
    batch = accepted_batch(api.store, 1)
    api.fail(batch.jobs[0])
    before = api.services.index.batch(batch.id)

    answer = retry(api, batch.jobs[0])

    assert json_of(answer)["batch_id"] is None
    assert api.services.index.batch(batch.id) == before


def test_a_retry_can_be_retried(api: Api) -> None:
    first = failed(api)
    second = api.job(retry(api, first)).id
    api.fail(second)

    assert json_of(retry(api, second))["retry_of"] == second


@pytest.mark.parametrize(
    "options",
    [
        {"query": "?wait=9"},
        {"json": {"wait_seconds": 9}},
        {"data": {"wait_seconds": "9"}},
        {"headers": {"Prefer": "wait=9"}},
    ],
    ids=str,
)
def test_a_retry_can_be_waited_for(api: Api, options: dict[str, Any]) -> None:
    job_id = failed(api)

    answer = api.while_waiting(lambda: retry(api, job_id, **options), api.succeed)

    assert (answer.status_code, json_of(answer)["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=9"


def test_a_retry_that_fails_in_time_has_its_failures_own_status(api: Api) -> None:
    job_id = failed(api)

    answer = api.while_waiting(lambda: retry(api, job_id, f"?wait={LONG}"), api.fail)

    assert_fault(answer, 502, "provider_error")


@pytest.mark.parametrize(
    "options",
    [{"headers": {"Idempotency-Key": "k"}}, {"json": {"idempotency_key": "k"}}],
    ids=str,
)
def test_the_same_retry_again_is_the_same_job(api: Api, options: dict[str, Any]) -> None:
    job = api.job(api.upscale())
    api.fail(job.id)

    first, again = (retry(api, job.id, **options) for _ in range(2))

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(api.inputs()) == 2


def test_the_same_retry_again_is_answered_though_its_input_is_gone_by_now(api: Api) -> None:
    job, key = api.job(api.upscale()), {"Idempotency-Key": "k"}
    api.fail(job.id)
    first = retry(api, job.id, headers=key)
    api.call("DELETE", f"/jobs/{job.id}/image")

    again = retry(api, job.id, headers=key)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert_fault(retry(api, job.id), 409, "conflict")


def test_twenty_equal_retries_at_once_make_one_job(api: Api) -> None:
    job_id, key = failed(api), {"Idempotency-Key": "k"}

    answers = at_once(lambda _: retry(api, job_id, headers=key), range(20), threads=20)

    assert len({json_of(answer)["job_id"] for answer in answers}) == 1


def test_a_key_of_one_retry_is_refused_for_another(api: Api) -> None:
    key = {"Idempotency-Key": "k"}

    answers = [retry(api, failed(api), headers=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 422]


def test_a_dry_run_tells_the_price_and_does_nothing(api: Api) -> None:
    job_id = failed(api, model="ultra")
    before = api.redis.dbsize()

    answer = retry(api, job_id, "?dry_run=true")

    body = json_of(answer)
    assert (answer.status_code, body["credits_estimate"], body["kind"]) == (200, 8, "generate")
    assert (api.redis.dbsize(), body["request"]["prompt"]) == (before, "a fox")


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"seed": 5, "prompt": "a bear"}},
        {"data": {"prompt": "a bear", "seed": "5"}},
        {"data": {"seed": (__file__, "a.png"), "prompt": "x"}},
    ],
    ids=["json", "form", "file"],
)
def test_a_job_is_done_again_as_it_was_and_not_otherwise(api: Api, options: dict[str, Any]) -> None:
    errors = errors_of(retry(api, failed(api), **options))

    assert list(errors) == ["prompt", "seed"]
    assert errors["prompt"] == "prompt is not taken: a job is done again as it was"


@pytest.mark.parametrize("options", [{}, {"json": {}}, {"data": {}}, {"data": b""}], ids=str)
def test_a_retry_needs_no_body(api: Api, options: dict[str, Any]) -> None:
    assert retry(api, failed(api), **options).status_code == 202


def test_a_retry_that_the_queue_has_no_room_for_is_refused_and_keeps_no_input(start: Start) -> None:
    api = start(queue_max_jobs=1)
    job = api.job(api.upscale())
    api.fail(job.id)
    accepted(api.store)

    assert_fault(retry(api, job.id), 429, "queue_full")
    assert len(api.inputs()) == 1
