"""`KEY_LIMITS`: what a caller over one of its limits is told, and what is never held up by them."""

import io
import json
import re
from typing import Any

import pytest
from werkzeug.test import TestResponse

from api.auth import is_open
from shared.jobs import new_job_id
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.api.test_ownership import ALICE, BOB, KEYS
from tests.pictures import picture
from tests.webhooks import SECRET


def limited(start: Start, **limits: Any) -> Api:
    """Return a service in which alice has these limits."""
    told = json.dumps({"alice": limits})
    return start(
        client_keys=KEYS, key_limits=told, webhook_secret=SECRET, webhook_allow_private="true"
    )


def order(
    api: Api, key: dict[str, str] = ALICE, prompt: str = "a fox", once: str = ""
) -> TestResponse:
    """Ask for an image with a key."""
    headers = {**key, "Idempotency-Key": once} if once else key
    return api.call("POST", "/generate_image", json={"prompt": prompt}, headers=headers)


def test_every_answer_tells_what_is_left_of_the_minute(start: Start) -> None:
    api = limited(start, requests_per_minute=3)

    answers = [order(api), api.get("/jobs/nothing", **ALICE), order(api, prompt=" ")]

    assert [answer.status_code for answer in answers] == [202, 404, 400]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {
        '"requests-per-minute";q=3;w=60'
    }
    left = [answer.headers["RateLimit"] for answer in answers]
    assert [re.match(r'"requests-per-minute";r=(\d);t=(60|59)$', told)[1] for told in left] == [  # type: ignore[index]
        "2", "1", "0",
    ]  # fmt: skip


def test_who_has_sent_too_many_is_told_when_to_come_back_and_others_are_not(start: Start) -> None:
    api = limited(start, requests_per_minute=1)
    order(api)

    answer = order(api)

    assert_fault(answer, 429, "too_many_requests")
    seconds = answer.headers["Retry-After"]
    assert int(seconds) in {59, 60}
    assert answer.headers["RateLimit-Policy"] == '"requests-per-minute";q=1;w=60'
    assert answer.headers["RateLimit"] == f'"requests-per-minute";r=0;t={seconds}'
    assert json_of(api.get("/jobs", **BOB))["jobs"] == []
    assert "RateLimit" not in api.get("/jobs", **BOB).headers
    assert api.redis.zcard("images:list:alice:generate:queued") == 1


def test_every_route_counts_but_for_the_open_ones(start: Start) -> None:
    api = limited(start, requests_per_minute=1)
    for rule in api.app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"OPTIONS"}:
            path = re.sub(r"<[^>]+>", new_job_id(), rule.rule)
            api.redis.flushdb()

            answers = [api.call(method, path, headers=ALICE) for _ in range(2)]

            known = not is_open(rule.rule)
            assert ("RateLimit" in answers[0].headers) == known, (method, path)
            assert (answers[1].status_code == 429) == known, (method, path)


def test_what_pages_elsewhere_send_takes_nothing_from_the_user_of_an_open_service(
    start: Start,
) -> None:
    api = start(key_limits='{"*": {"requests_per_minute": 1}}')

    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        assert_fault(api.call("GET", "/jobs", headers=headers), 403, "forbidden")

    assert api.get("/jobs").status_code == 200
    assert_fault(api.get("/jobs"), 429, "too_many_requests")


def test_a_request_that_comes_again_is_answered_before_every_limit(start: Start) -> None:
    api = limited(start, requests_per_minute=1, queued=1, credits_per_day=3)
    first = order(api, once="1")

    again = [order(api, once="1") for _ in range(3)]

    assert {json_of(answer)["job_id"] for answer in again} == {json_of(first)["job_id"]}
    assert {answer.headers["Idempotent-Replayed"] for answer in again} == {"true"}
    assert_fault(order(api, once="2"), 429, "too_many_requests")
    assert_fault(order(api, prompt="a hare", once="1"), 429, "too_many_requests")


def test_so_is_a_webhook_that_is_sent_again(start: Start) -> None:
    api = limited(start, requests_per_minute=2)
    body = {"prompt": "a fox", "webhook_url": "http://127.0.0.1:9/"}
    job = api.job(api.call("POST", "/generate_image", json=body, headers=ALICE))
    api.fail(job.id)
    path = f"/jobs/{job.id}/redeliver"

    answers = [api.call("POST", path, headers={**ALICE, "Idempotency-Key": "1"}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 202, 202]
    assert_fault(api.call("POST", path, headers=ALICE), 429, "too_many_requests")


def test_too_many_waiting_jobs_are_refused(start: Start) -> None:
    api = limited(start, queued=1)
    order(api)

    answer = order(api)

    assert_fault(answer, 429, "key_queue_full")
    assert answer.headers["RateLimit-Policy"] == '"key-queued-jobs";q=1'
    assert answer.headers["RateLimit"] == '"key-queued-jobs";r=0;t=10'
    assert answer.headers["Retry-After"] == "10"
    assert order(api, BOB).status_code == 202


def test_an_upload_that_is_one_too_many_is_not_kept(start: Start) -> None:
    api = limited(start, queued=0)

    answer = api.call(
        "POST",
        "/upscale_image",
        data={"image": (io.BytesIO(picture()), "a.png")},
        headers=ALICE,
    )

    assert_fault(answer, 429, "key_queue_full")
    assert api.is_empty()


def test_what_would_cost_a_key_too_much_is_refused_and_both_limits_are_told(start: Start) -> None:
    api = limited(start, credits_per_day=4, requests_per_minute=9)
    order(api)

    answer = order(api)

    assert_fault(answer, 402, "budget_exceeded")
    assert "1 of the 4 that this caller may spend a day are left" in json_of(answer)["error"]
    minute, day = answer.headers["RateLimit"].split(", ")
    assert minute.startswith('"requests-per-minute";r=7;t=')
    assert day == f'"key-credits-per-day";r=1;t={answer.headers["Retry-After"]}'
    assert answer.headers["RateLimit-Policy"].endswith(', "key-credits-per-day";q=4;w=86400')


def test_a_job_that_waits_for_its_keys_others_says_so(start: Start) -> None:
    api = limited(start, running=1)
    first, second = api.job(order(api)), api.job(order(api))
    assert api.store.claim(first.id, "c", 30_000)

    told = json_of(api.get(f"/jobs/{second.id}", **ALICE))

    assert told["status"] == "queued"
    assert told["message"].startswith("As many jobs of this caller are running as may")
    assert told["eta_seconds"] is None


def test_without_keys_everybody_together_has_one_limit(start: Start) -> None:
    api = start(key_limits='{"*": {"requests_per_minute": 2, "queued": 1}}')

    answers = [api.generate(), api.generate(), api.generate()]

    assert [answer.status_code for answer in answers] == [202, 429, 429]
    codes = [json_of(answer)["error_code"] for answer in answers[1:]]
    assert codes == ["key_queue_full", "too_many_requests"]
    assert api.get("/healthz").status_code == 200


@pytest.mark.parametrize("path", ["/generate_image?dry_run=true", "/generate_image?dry_run=no"])
def test_a_dry_run_counts_as_any_request(start: Start, path: str) -> None:
    api = limited(start, requests_per_minute=1)

    answers = [api.call("POST", path, json={"prompt": "x"}, headers=ALICE) for _ in range(2)]

    assert answers[0].status_code in {200, 400}
    assert_fault(answers[1], 429, "too_many_requests")
