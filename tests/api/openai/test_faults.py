"""Every fault at the OpenAI door has that API's shape, and a status that its clients know."""

import pytest

from tests.api.callers import Api, json_of
from tests.api.conftest import Start
from tests.api.openai.callers import GENERATIONS, ended, error_of, generate, made

KEYS = "alice:alice-has-this-key,bob:bob-has-another"


def test_everything_that_is_wrong_is_in_the_one_message(api: Api) -> None:
    answer = generate(api, size="4x4", n=0)

    assert error_of(answer, 400) == {
        "message": "n must be an integer from 1 to 10; size must be one of auto, 1024x1024,"
        " 1536x1024, 1024x1536, 1792x1024, 1024x1792, 512x512, 256x256",
        "type": "invalid_request_error",
        "param": "n",
        "code": "invalid_request",
    }
    assert answer.headers["X-Request-ID"]


def test_who_has_no_key_is_told_so(start: Start) -> None:
    api = start(client_keys=KEYS)

    answer = generate(api, {"Authorization": "Bearer sk-dummy"})

    assert error_of(answer, 401)["code"] == "invalid_api_key"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert error_of(api.get("/v1/models"), 401)["type"] == "invalid_request_error"
    assert error_of(api.get("/v1/no-such-thing"), 401)


def test_a_key_is_that_of_every_other_call(start: Start) -> None:
    api = start(client_keys=KEYS)
    alice = {"Authorization": "Bearer alice-has-this-key"}

    answer = made(api, alice)

    assert answer.status_code == 200
    seen = [
        len(json_of(api.get("/jobs", X_API_Key=key))["jobs"])
        for key in ("alice-has-this-key", "bob-has-another")
    ]
    assert seen == [1, 0]


def test_an_open_service_takes_any_key(api: Api) -> None:
    assert made(api, {"Authorization": "Bearer sk-dummy"}).status_code == 200


def test_a_page_of_another_site_may_not_buy(api: Api) -> None:
    answer = generate(api, {"Origin": "https://evil.example"})

    assert error_of(answer, 403)["code"] == "forbidden"
    assert api.is_empty()


def test_too_many_requests_are_told_with_the_time_to_wait(start: Start) -> None:
    api = start(key_limits='{"*": {"requests_per_minute": 1}}')
    api.get("/v1/models")

    answer = generate(api)

    error = error_of(answer, 429)
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert int(answer.headers["Retry-After"]) in range(1, 61)


def test_a_full_queue_takes_all_images_or_none(start: Start) -> None:
    api = start(key_limits='{"*": {"queued": 2}}')

    answer = generate(api, n=3)

    assert error_of(answer, 429)["code"] == "rate_limit_exceeded"
    assert not api.queue.sent
    assert json_of(api.get("/jobs"))["jobs"] == []


def test_a_budget_that_is_used_up_is_a_quota(start: Start) -> None:
    api = start(credits_per_day="5")

    answer = generate(api, n=2)

    assert error_of(answer, 429) == {
        "message": "This would cost 6 credits, and 5 of the 5 that this service may spend a day are"
        " left; the next day begins at 00:00 UTC",
        "type": "insufficient_quota",
        "param": None,
        "code": "insufficient_quota",
    }


@pytest.mark.parametrize(
    ("code", "status", "told", "kind"),
    [
        ("input_moderated", 400, "content_policy_violation", "image_generation_user_error"),
        ("output_moderated", 400, "content_policy_violation", "image_generation_user_error"),
        ("provider_rejected", 400, "provider_rejected", "invalid_request_error"),
        ("provider_error", 502, "provider_error", "server_error"),
        ("provider_unavailable", 503, "provider_unavailable", "server_error"),
        ("deadline_passed", 504, "deadline_passed", "server_error"),
    ],
)
def test_a_job_that_failed_is_an_error_that_no_client_repeats(
    api: Api, code: str, status: int, told: str, kind: str
) -> None:
    answer = ended(api, lambda job: api.fail(job, error_code=code), lambda: generate(api))

    error = error_of(answer, status)
    assert (error["code"], error["type"], error["message"]) == (told, kind, "It went wrong")
    assert answer.headers["X-Should-Retry"] == "false"


def test_when_none_of_several_was_made_the_first_tells_why(api: Api) -> None:
    answer = ended(api, api.fail, lambda: generate(api, n=2))

    assert error_of(answer, 502)["code"] == "provider_error"


def test_a_canceled_job_is_a_conflict(api: Api) -> None:
    answer = ended(api, lambda job: api.store.cancel([job]), lambda: generate(api))

    assert error_of(answer, 409)["message"] == "The job was canceled; no image was made"


def test_what_is_not_made_in_time_goes_on_and_says_where(start: Start) -> None:
    api = start(max_wait_seconds=0)

    one, several = generate(api), generate(api, n=2)

    for answer, place in ((one, "/jobs/"), (several, "/batches/")):
        error = error_of(answer, 503)
        assert error["code"] == "not_ready"
        path = error["message"].split("GET ")[1].split(" ")[0]
        assert path.startswith(place)
        assert json_of(api.get(path))["status"] == "queued"
        assert answer.headers["Retry-After"] == "2"
        assert "X-Should-Retry" not in answer.headers


def test_without_redis_nothing_is_accepted_and_that_is_said(without_redis: Api) -> None:
    answer = generate(without_redis, {"X-Stainless-Retry-Count": "0"})

    assert error_of(answer, 503)["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "2"


@pytest.mark.parametrize(
    "path", ["/v1/images/edits", "/v1/images/variations", "/v1/chat/completions"]
)
def test_what_is_not_here_is_said_in_the_same_shape(api: Api, path: str) -> None:
    answer = api.call("POST", path, json={})

    assert error_of(answer, 404)["code"] == "not_found"


def test_a_wrong_method_a_form_and_an_option_are_refused(api: Api) -> None:
    assert error_of(api.call("GET", GENERATIONS), 405)["code"] == "method_not_allowed"
    assert error_of(api.call("POST", GENERATIONS, data={"prompt": "a fox"}), 415)
    option = api.call("POST", f"{GENERATIONS}?api-version=1", json={"prompt": "a fox"})
    assert error_of(option, 400)["param"] == "api-version"
    assert api.is_empty()
