"""GET /batches/<id>: how a batch stands, now or when it has ended; what every new address answers."""

import pytest

from tests.api.callers import LONG, Api, assert_fault, errors_of, json_of
from tests.builders import accepted, accepted_batch, in_state


def end(api: Api, batch_id: str) -> None:
    """Cancel a batch."""
    batch = api.services.index.batch(batch_id)
    assert batch is not None
    api.store.cancel(batch.jobs)


def test_a_batch_is_told_with_200_and_when_to_ask_again(api: Api) -> None:
    batch = accepted_batch(api.store)

    answer = api.get(f"/batches/{batch.id}")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "queued")
    assert answer.headers["Retry-After"] == "2"
    assert "no-cache" in answer.headers["Cache-Control"]
    assert answer.headers["ETag"] == 'W/"1"'


def test_a_batch_that_has_ended_is_told_with_200_and_no_retry(api: Api) -> None:
    batch = accepted_batch(api.store)
    end(api, batch.id)

    answer = api.get(f"/batches/{batch.id}")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "canceled")
    assert "Retry-After" not in answer.headers


@pytest.mark.parametrize("given", ['W/"4"', '"4"', "*"])
def test_an_ended_batch_that_the_caller_has_already_is_304(api: Api, given: str) -> None:
    batch = accepted_batch(api.store)
    end(api, batch.id)

    answer = api.get(f"/batches/{batch.id}", If_None_Match=given)

    assert (answer.status_code, answer.get_data()) == (304, b"")


def test_a_batch_that_goes_on_is_never_304(api: Api) -> None:
    batch = accepted_batch(api.store)

    assert api.get(f"/batches/{batch.id}", If_None_Match='W/"1"').status_code == 200


def test_a_batch_can_be_waited_for(api: Api) -> None:
    batch = accepted_batch(api.store)

    answer = api.while_waiting(
        lambda: api.get(f"/batches/{batch.id}?wait={LONG}"), lambda batch_id: end(api, batch_id)
    )

    assert (answer.status_code, json_of(answer)["status"]) == (200, "canceled")


def test_a_wait_that_is_too_short_tells_the_batch_as_it_is(api: Api) -> None:
    batch = accepted_batch(api.store)

    answer = api.get(f"/batches/{batch.id}?wait=0.05")

    assert (answer.status_code, json_of(answer)["status"]) == (200, "queued")
    assert api.events.seen.qsize() == 1


def test_a_wait_that_is_no_time_is_refused(api: Api) -> None:
    batch = accepted_batch(api.store)

    assert list(errors_of(api.get(f"/batches/{batch.id}?wait=soon"))) == ["wait"]


@pytest.mark.parametrize("batch_id", ["0" * 32, "x", "..", "%00", "🦊"])
def test_an_unknown_batch_is_404(api: Api, batch_id: str) -> None:
    answer = api.get(f"/batches/{batch_id}")

    assert_fault(answer, 404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_job_is_no_batch_and_a_batch_no_job(api: Api) -> None:
    job, batch = accepted(api.store), accepted_batch(api.store)

    assert api.get(f"/batches/{job.id}").status_code == 404
    assert api.get(f"/jobs/{batch.id}").status_code == 404


ADDRESSES = {
    "/jobs": "GET, HEAD, OPTIONS",
    "/jobs/{job}": "DELETE, GET, HEAD, OPTIONS",
    "/jobs/{job}/events": "GET, HEAD, OPTIONS",
    "/jobs/{job}/retry": "OPTIONS, POST",
    "/jobs/{job}/image": "DELETE, OPTIONS",
    "/batches": "OPTIONS, POST",
    "/batches/{batch}": "DELETE, GET, HEAD, OPTIONS",
    "/batches/{batch}/events": "GET, HEAD, OPTIONS",
    "/batches/{batch}/archive": "GET, HEAD, OPTIONS",
}


@pytest.mark.parametrize(("address", "allowed"), ADDRESSES.items())
def test_a_wrong_method_is_told_the_right_ones(api: Api, address: str, allowed: str) -> None:
    answer = api.call("PUT", address.format(job="x", batch="x"))

    assert_fault(answer, 405, "method_not_allowed")
    assert answer.headers["Allow"] == allowed


@pytest.mark.parametrize(("address", "allowed"), ADDRESSES.items())
def test_options_tells_the_methods(api: Api, address: str, allowed: str) -> None:
    answer = api.call("OPTIONS", address.format(job="x", batch="x"))

    assert answer.status_code == 200
    assert sorted(answer.headers["Allow"].split(", ")) == allowed.split(", ")


@pytest.mark.parametrize(
    "address", [path for path, allowed in ADDRESSES.items() if "HEAD" in allowed]
)
def test_head_is_answered_as_get_without_a_body(api: Api, address: str) -> None:
    batch = accepted_batch(api.store, 1)
    api.succeed(batch.jobs[0])
    path = address.format(job=in_state(api.store, "failed"), batch=batch.id)

    get, head = api.get(path), api.call("HEAD", path)

    assert (head.status_code, head.get_data()) == (get.status_code, b"") == (200, b"")
    for name in ("Content-Type", "ETag", "Cache-Control", "Content-Disposition"):
        assert head.headers.get(name) == get.headers.get(name)
