"""A job as its callers see it: every field, in every state."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import RESULT, Api, json_of
from tests.api.conftest import Start
from tests.builders import CLAIM, LEASE_MS

TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NEVER_TOLD = {"claim", "input", "deadline", "operation", "variant", "schema", "sent", "slot"}


def read(api: Api, answer: TestResponse) -> dict[str, Any]:
    """Return how the job of an answer stands now."""
    return json_of(api.get(json_of(answer)["status_url"]))


def test_a_queued_job_tells_every_field(api: Api) -> None:
    body = json_of(api.generate(metadata={"order": "17"}))

    job_id, image, created = body["job_id"], body["image_url"], body["created_at"]
    assert TIME.fullmatch(created)
    assert body == body | {
        "job_id": job_id,
        "kind": "generate",
        "status": "queued",
        "revision": 1,
        "message": body["message"],
        "status_url": f"/jobs/{job_id}",
        "image_url": image,
        "expires_at": None,
        "image": None,
        "request": {
            "prompt": "a fox",
            "model": "core",
            "aspect_ratio": "1:1",
            "output_format": "webp",
        },
        "attempts": 0,
        "poll_after_seconds": 2,
        "credits": None,
        "credits_estimate": 3,
        "created_at": created,
        "started_at": None,
        "finished_at": None,
        "timings": {"queued_ms": None, "provider_ms": None, "total_ms": None},
        "metadata": {"order": "17"},
        "error": None,
        "error_code": None,
        "provider_request_id": None,
    }
    assert not NEVER_TOLD & set(body)


def test_a_job_is_told_the_same_way_wherever_it_is_told(api: Api) -> None:
    answer = api.generate()

    assert read(api, answer) == json_of(answer)


def test_a_running_job_tells_when_it_began(api: Api) -> None:
    answer = api.generate()
    api.store.claim(api.job(answer).id, CLAIM, LEASE_MS)

    body, job = read(api, answer), api.job(answer)
    assert (body["status"], body["revision"], body["poll_after_seconds"]) == ("running", 2, 2)
    assert TIME.fullmatch(body["started_at"])
    assert job.started is not None
    assert body["timings"]["queued_ms"] == job.started - job.created
    assert body["image_url"] == json_of(answer)["image_url"]


def test_a_job_that_succeeded_tells_its_image_and_its_price(api: Api) -> None:
    answer = api.generate()
    api.succeed(api.job(answer).id)

    body, job = read(api, answer), api.job(answer)
    assert (body["status"], body["revision"], body["image"]) == ("succeeded", 3, RESULT)
    assert (body["credits"], body["poll_after_seconds"]) == (3, None)
    assert body["image_url"] == json_of(answer)["image_url"]
    assert TIME.fullmatch(body["finished_at"])
    assert job.finished is not None
    assert body["timings"]["provider_ms"] == 5
    assert body["timings"]["total_ms"] == job.finished - job.created
    assert body["message"] == "The image is ready."


def test_a_job_that_failed_promises_no_image_and_tells_why(api: Api) -> None:
    answer = api.generate()
    api.fail(api.job(answer).id, error_code="input_moderated", provider_request_id="p1")

    body = read(api, answer)
    assert (body["status"], body["image_url"], body["image"]) == ("failed", None, None)
    assert (body["error"], body["error_code"]) == ("It went wrong", "input_moderated")
    assert (body["credits"], body["poll_after_seconds"]) == (0, None)
    assert body["provider_request_id"] == "p1"


@pytest.mark.parametrize(
    ("credits", "advice"),
    [
        (None, "Asking again may pay again."),
        (3_000, "It was charged; asking again pays again."),
        (0, "Nothing was charged."),
    ],
)
def test_a_failure_tells_whether_asking_again_pays_again(
    api: Api, credits: int | None, advice: str
) -> None:
    answer = api.generate()
    api.fail(api.job(answer).id, credits=credits)

    assert read(api, answer)["message"] == f"It went wrong. {advice}"


def test_a_job_that_waits_for_its_next_try_says_so(api: Api) -> None:
    answer = api.generate()
    api.redis.hset(f"images:job:{api.job(answer).id}", "trouble", "provider_unavailable")

    assert "tried again by itself" in read(api, answer)["message"]


def test_a_message_is_plain_sentences_and_tells_what_to_do_next(api: Api) -> None:
    message = json_of(api.generate())["message"]

    assert re.fullmatch(r"[A-Z][^<>{}]+\.", message)
    assert "image_url" in message


def test_times_are_those_of_the_store_in_utc(api: Api) -> None:
    seconds, micros = api.redis.time()

    created = datetime.fromisoformat(json_of(api.generate())["created_at"])

    assert created.tzinfo == UTC
    assert abs(created.timestamp() - (seconds + micros / 1e6)) < 5


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        ("https://img.example", "https://img.example"),
        ("https://img.example/api/", "https://img.example/api"),
    ],
)
def test_with_a_public_address_every_url_is_absolute(
    start: Start, base: str, expected: str
) -> None:
    api = start(public_base_url=base, allow_anonymous=True, allowed_hosts="other.example")
    headers = {"Host": "other.example", "X-Forwarded-Host": "other.example"}

    answer = api.call("POST", "/generate_image", json={"prompt": "a fox"}, headers=headers)

    body = json_of(answer)
    assert body["status_url"] == f"{expected}/jobs/{body['job_id']}"
    assert body["image_url"].startswith(f"{expected}/saved_images/")
    assert answer.headers["Location"] == body["status_url"]
    assert b"other" not in answer.get_data()


@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Prefix", "Forwarded"])
def test_without_one_every_url_is_relative_whatever_a_header_says(start: Start, name: str) -> None:
    api = start(allow_anonymous=True, allowed_hosts="other.example")
    headers = {name: "host=other.example" if name == "Forwarded" else "other.example"}

    answer = api.call("POST", "/generate_image", json={"prompt": "a fox"}, headers=headers)

    body = json_of(answer)
    urls = [value for field, value in body.items() if field.endswith("_url") and value]
    assert all(url.startswith(("/jobs/", "/saved_images/")) for url in urls)
    assert answer.headers["Location"] == body["status_url"]
