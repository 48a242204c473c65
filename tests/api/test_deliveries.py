"""What became of a webhook is told, and it is sent again when asked for."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from shared.outbox import Outbox
from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.shared.outside import PUBLIC
from tests.webhooks import DELIVERED, FAILED, SECRET, pauses_end, take, taken

# an address and no name, so that nothing is looked up
URL = f"https://{PUBLIC}/done?order=17"
KEY = {"Idempotency-Key": "k-1"}
ONLY_KEY = "is not taken; only idempotency_key is"
KEY_WRONG = "must be 1 to 255 characters"


@pytest.fixture
def api(start: Start) -> Api:
    """Give an API with a secret to sign by."""
    return start(webhook_secret=SECRET)


def outbox(api: Api) -> Outbox:
    """Return the outbox behind an API."""
    return api.services.outbox


def told(api: Api, job_id: str, kind: str = "jobs") -> dict[str, Any]:
    """Return what a caller is told of a webhook."""
    answer = api.get(f"/{kind}/{job_id}/deliveries")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return json_of(answer)


def ended(api: Api) -> str:
    """Return the id of a job that has failed, whose webhook is due."""
    job_id = str(json_of(api.generate(webhook_url=URL))["job_id"])
    api.fail(job_id)
    return job_id


def redeliver(api: Api, job_id: str, path: str = "redeliver", **more: Any) -> TestResponse:
    """Ask for a webhook to be sent again."""
    return api.call("POST", f"/jobs/{job_id}/{path}", **more)


def test_a_job_without_an_address_has_nothing_to_tell(api: Api) -> None:
    job_id = json_of(api.generate())["job_id"]

    assert told(api, job_id) == {
        "job_id": job_id,
        "webhook_url": None,
        "webhook_id": None,
        "status": "none",
        "next_try_at": None,
        "tries": [],
    }


def test_the_tries_are_told_the_oldest_first(api: Api) -> None:
    job_id = json_of(api.generate(webhook_url=URL))["job_id"]
    before = told(api, job_id)
    api.fail(job_id)
    at_the_end = told(api, job_id)
    outbox(api).record(taken(outbox(api)), FAILED, 5_000)
    pauses_end(api.redis)
    outbox(api).record(taken(outbox(api)), DELIVERED, None)

    after = told(api, job_id)

    assert (before["status"], before["next_try_at"], before["tries"]) == ("waiting", None, [])
    assert at_the_end["next_try_at"] == json_of(api.get(f"/jobs/{job_id}"))["finished_at"]
    assert after == {
        "job_id": job_id,
        "webhook_url": URL,
        "webhook_id": f"msg_{job_id}",
        "status": "delivered",
        "next_try_at": None,
        "tries": [
            {
                "at": "2025-11-24T16:00:00.000Z",
                "status_code": 500,
                "error": "The receiver answered 500",
                "duration_ms": 12,
            },
            {
                "at": "2025-11-24T16:00:00.001Z",
                "status_code": 204,
                "error": None,
                "duration_ms": 7,
            },
        ],
    }


def test_a_batchs_webhook_is_told_and_sent_again_like_a_jobs(api: Api) -> None:
    body = {"webhook_url": URL, "jobs": [{"prompt": "a"}]}
    answer = api.call("POST", "/batches", json=body)
    batch_id = json_of(answer)["batch_id"]
    early = api.call("POST", f"/batches/{batch_id}/redeliver")
    api.call("DELETE", f"/batches/{batch_id}")
    outbox(api).record(taken(outbox(api)), DELIVERED, None)

    again = api.call("POST", f"/batches/{batch_id}/redeliver")

    assert_fault(early, 409, "conflict")
    assert (again.status_code, again.headers["Location"]) == (
        202,
        f"/batches/{batch_id}/deliveries",
    )
    assert json_of(again) == told(api, batch_id, "batches")
    assert json_of(again)["batch_id"] == batch_id
    assert json_of(again)["webhook_id"] == f"msg_{batch_id}"
    assert taken(outbox(api)).id == batch_id


@pytest.mark.parametrize("path", ["redeliver", "deliveries/redeliver"])
def test_a_delivered_webhook_is_sent_again(api: Api, path: str) -> None:
    job_id = ended(api)
    outbox(api).record(taken(outbox(api)), DELIVERED, None)

    answer = redeliver(api, job_id, path)

    body = json_of(answer)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/jobs/{job_id}/deliveries")
    assert (body["status"], len(body["tries"])) == ("waiting", 1)
    assert body == told(api, job_id)
    assert taken(outbox(api)).id == job_id


def test_a_job_that_has_not_ended_or_has_no_address_is_not_sent_again(api: Api) -> None:
    open_job = json_of(api.generate(webhook_url=URL))["job_id"]
    silent = json_of(api.generate())["job_id"]
    api.fail(silent)

    assert_fault(redeliver(api, open_job), 409, "conflict")
    assert_fault(redeliver(api, silent), 409, "conflict")
    assert take(outbox(api)) is None


@pytest.mark.parametrize("path", ["deliveries", "redeliver", "deliveries/redeliver"])
@pytest.mark.parametrize("kind", ["jobs", "batches"])
def test_what_nobody_knows_is_404(api: Api, kind: str, path: str) -> None:
    method = "GET" if path == "deliveries" else "POST"

    assert_fault(api.call(method, f"/{kind}/nobody/{path}"), 404, "not_found")


def test_a_key_sends_it_again_once_by_either_address(api: Api) -> None:
    job_id = ended(api)
    outbox(api).record(taken(outbox(api)), DELIVERED, None)

    first = redeliver(api, job_id, headers=KEY)
    outbox(api).record(taken(outbox(api)), DELIVERED, None)
    second = redeliver(api, job_id, "deliveries/redeliver", json={"idempotency_key": "k-1"})

    assert (first.status_code, second.status_code) == (202, 202)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert json_of(second)["status"] == "delivered"
    assert take(outbox(api)) is None


def test_a_refused_call_uses_up_no_key(api: Api) -> None:
    job_id = json_of(api.generate(webhook_url=URL))["job_id"]
    refused = redeliver(api, job_id, headers=KEY)
    api.fail(job_id)

    assert refused.status_code == 409
    assert "Idempotent-Replayed" not in redeliver(api, job_id, headers=KEY).headers


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        ({"json": {"webhook_url": URL}}, {"webhook_url": ONLY_KEY}),
        ({"data": {"wait_seconds": "3"}}, {"wait_seconds": ONLY_KEY}),
        ({"query_string": "dry_run=true"}, {"dry_run": "is not an option here"}),
        ({"headers": {"Idempotency-Key": "k" * 256}}, {"Idempotency-Key": KEY_WRONG}),
    ],
)  # fmt: skip
def test_what_would_be_dropped_is_refused(
    api: Api, sent: dict[str, Any], problem: dict[str, str]
) -> None:
    job_id = ended(api)
    taken(outbox(api))

    answer = redeliver(api, job_id, **sent)

    assert errors_of(answer) == {name: f"{name} {text}" for name, text in problem.items()}
    assert take(outbox(api)) is None


def test_addresses_are_absolute_when_the_service_has_one(start: Start) -> None:
    api = start(
        webhook_secret=SECRET, public_base_url="https://images.example.com", allow_anonymous=True
    )

    answer = redeliver(api, ended(api))

    assert answer.headers["Location"].startswith("https://images.example.com/jobs/")
