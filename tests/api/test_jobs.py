"""GET /jobs/<id>: how a job stands, now or when it has ended."""

import pytest

from tests.api.callers import LONG, Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.builders import accepted, running


def test_a_job_is_told_with_200_and_when_to_ask_again(api: Api) -> None:
    job = accepted(api.store)

    answer = api.get(f"/jobs/{job.id}")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "queued")
    assert int(answer.headers["Retry-After"]) > 0
    assert "no-cache" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_a_job_that_has_ended_is_told_with_200_and_no_retry(api: Api, end: str) -> None:
    job = accepted(api.store)
    getattr(api, end)(job.id)

    answer = api.get(f"/jobs/{job.id}")

    assert answer.status_code == 200
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("job_id", ["0" * 32, "x", "..", "%00", "a%0Ab", "%ff", "🦊", "x" * 5_000])
def test_an_unknown_job_is_404(api: Api, job_id: str) -> None:
    answer = api.get(f"/jobs/{job_id}")

    assert_fault(answer, 404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


def test_nothing_else_in_the_store_is_taken_for_a_job(api: Api) -> None:
    job = accepted(api.store)

    for name in ("queued", f"image:{job.image}", "../queued", "*"):
        assert api.get(f"/jobs/{name}").status_code == 404


def test_the_etag_is_the_revision(api: Api) -> None:
    job = accepted(api.store)
    before = api.get(f"/jobs/{job.id}").headers["ETag"]
    api.succeed(job.id)

    after = api.get(f"/jobs/{job.id}").headers["ETag"]

    assert (before, after) == ('W/"1"', 'W/"3"')


@pytest.mark.parametrize("given", ['W/"3"', '"3"', '"1", W/"3"', "*"])
def test_an_ended_job_that_the_caller_has_already_is_304(api: Api, given: str) -> None:
    job = accepted(api.store)
    api.succeed(job.id)

    answer = api.get(f"/jobs/{job.id}", If_None_Match=given)

    assert (answer.status_code, answer.get_data()) == (304, b"")
    assert answer.headers["ETag"] == 'W/"3"'


def test_an_ended_job_that_the_caller_has_an_older_state_of_is_told(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)

    answer = api.get(f"/jobs/{job.id}", If_None_Match='W/"1"')

    assert (answer.status_code, json_of(answer)["status"]) == (200, "succeeded")


def test_a_job_that_goes_on_is_never_304(api: Api) -> None:
    job = running(api.store)

    answer = api.get(f"/jobs/{job.id}", If_None_Match='W/"2"')

    assert (answer.status_code, json_of(answer)["status"]) == (200, "running")


@pytest.mark.parametrize(("end", "status"), [("succeed", "succeeded"), ("fail", "failed")])
def test_a_wait_is_answered_with_200_however_the_job_ends(api: Api, end: str, status: str) -> None:
    job = accepted(api.store)

    answer = api.while_waiting(lambda: api.get(f"/jobs/{job.id}?wait={LONG}"), getattr(api, end))

    assert (answer.status_code, json_of(answer)["status"]) == (200, status)
    assert "Retry-After" not in answer.headers


def test_prefer_asks_for_a_wait_here_too(api: Api) -> None:
    job = accepted(api.store)

    answer = api.while_waiting(
        lambda: api.get(f"/jobs/{job.id}", Prefer=f"wait={LONG}"), api.succeed
    )

    assert json_of(answer)["status"] == "succeeded"


def test_a_wait_that_is_too_short_tells_the_job_as_it_is(api: Api) -> None:
    job = running(api.store)

    answer = api.get(f"/jobs/{job.id}?wait=0.05")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "running")
    assert answer.headers["Retry-After"]
    assert api.events.seen.qsize() == 1


def test_a_wait_is_no_longer_than_the_operator_allows(start: Start) -> None:
    api = start(max_wait_seconds=0.05)
    job = running(api.store)

    answer = api.get(f"/jobs/{job.id}?wait=3600")

    assert json_of(answer)["status"] == "running"


def test_nobody_waits_for_a_job_that_has_ended(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)

    answer = api.get(f"/jobs/{job.id}?wait={LONG}")

    assert answer.status_code == 200
    assert api.events.seen.empty()


def test_the_default_wait_is_not_for_those_who_only_ask(start: Start) -> None:
    api = start(default_wait_seconds=LONG)
    job = accepted(api.store)

    assert api.get(f"/jobs/{job.id}").status_code == 200
    assert api.events.seen.empty()


@pytest.mark.parametrize("wait", ["soon", "-1", "nan", "inf", "1e999", "", "1,5", "5s"])
def test_a_wait_that_is_no_time_is_refused(api: Api, wait: str) -> None:
    job = accepted(api.store)

    errors = errors_of(api.get(f"/jobs/{job.id}?wait={wait}"))

    assert errors == {"wait": "wait must be seconds (0 or more), true or false"}
