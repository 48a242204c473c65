"""The answer held until the job ends: who asked for how long, and what comes of it."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import LONG, Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.builders import CLAIM, LEASE_MS, accepted, until

# http-api.md, "Faults": a failed job's code, and the status that a waiting caller gets.
FAILURES = {
    "input_moderated": 422,
    "output_moderated": 422,
    "provider_rejected": 400,
    "provider_auth": 502,
    "provider_credits": 502,
    "provider_error": 502,
    "provider_bad_image": 502,
    "storage_error": 502,
    "provider_unavailable": 503,
    "provider_timeout": 504,
    "deadline_passed": 504,
    "outcome_unknown": 502,
    "internal": 500,
}


def test_a_job_that_ends_in_time_is_answered_with_200(api: Api) -> None:
    answer = api.while_waiting(lambda: api.generate("?wait=9"), api.succeed)

    body = json_of(answer)
    assert (answer.status_code, body["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=9"
    assert "Retry-After" not in answer.headers
    assert api.get(body["image_url"]).status_code == 200


def test_an_upscale_can_be_waited_for_too(api: Api) -> None:
    answer = api.while_waiting(lambda: api.upscale(wait_seconds="9"), api.succeed)

    assert (answer.status_code, json_of(answer)["status"]) == (200, "succeeded")
    assert answer.headers["Preference-Applied"] == "wait=9"


@pytest.mark.parametrize(("code", "status"), FAILURES.items())
def test_a_job_that_fails_in_time_has_its_failures_own_status(
    api: Api, code: str, status: int
) -> None:
    answer = api.while_waiting(
        lambda: api.generate("?wait=9"), lambda job_id: api.fail(job_id, error_code=code)
    )

    assert_fault(answer, status, code)
    body = json_of(answer)
    assert (body["status"], body["image_url"], body["kind"]) == ("failed", None, "generate")
    assert body["message"].startswith(f"{body['error']}. ")
    assert "Retry-After" not in answer.headers
    assert answer.headers.get("Cache-Control") == "no-store" or status != 503


def test_a_job_that_does_not_end_in_time_is_answered_as_without_a_wait(api: Api) -> None:
    answer = api.generate("?wait=0.5")

    body = json_of(answer)
    assert (answer.status_code, body["status"]) == (202, "queued")
    assert answer.headers["Location"] == body["status_url"]
    assert int(answer.headers["Retry-After"]) > 0
    assert "Preference-Applied" not in answer.headers
    assert api.events.seen.qsize() == 1


def test_a_job_that_only_starts_in_time_is_told_as_running(api: Api) -> None:
    answer = api.while_waiting(
        lambda: api.generate("?wait=1"),
        lambda job_id: api.store.claim(job_id, CLAIM, LEASE_MS),
    )

    assert (answer.status_code, json_of(answer)["status"]) == (202, "running")


@pytest.mark.parametrize(
    ("query", "prefer", "fields", "default", "applied"),
    [
        ("?wait=8", "wait=7", {"wait_seconds": 6}, 5, "8"),
        ("", "wait=7", {"wait_seconds": 6}, 5, "6"),
        ("", "wait=7", {}, 5, "7"),
        ("", "", {}, 5, "5"),
        ("?wait=8", "respond-async", {}, 0, "8"),
        ("", "respond-async", {"wait_seconds": 6}, 0, "6"),
        ("", "respond-async, wait=7", {}, 0, "7"),
        ("?wait=true", "", {}, 0, "40"),
        ("?wait=TRUE", "", {}, 0, "40"),
        ("", "", {"wait_seconds": True}, 0, "40"),
        ("", "", {"wait_seconds": "true"}, 0, "40"),
        ("", "", {"wait_seconds": "6"}, 0, "6"),
        ("?wait=60", "", {}, 0, "45"),
        ("", "wait=999999", {}, 0, "45"),
        ("", "", {"wait_seconds": 10**30}, 0, "45"),
        ("", "", {}, 60, "45"),
    ],
)
def test_the_query_goes_before_the_body_before_prefer_before_the_default(
    start: Start, query: str, prefer: str, fields: dict[str, Any], default: int, applied: str
) -> None:
    api = start(default_wait_seconds=default, max_wait_seconds=45)

    answer = api.while_waiting(lambda: api.generate(query, prefer, **fields), api.succeed)

    assert answer.status_code == 200
    assert answer.headers["Preference-Applied"] == f"wait={applied}"


@pytest.mark.parametrize(
    ("query", "prefer", "fields"),
    [
        ("?wait=0", "wait=9", {"wait_seconds": 9}),
        ("?wait=false", "wait=9", {}),
        ("", "wait=9", {"wait_seconds": 0}),
        ("", "wait=9", {"wait_seconds": False}),
        ("", "wait=0", {}),
        ("", "respond-async", {}),
        ("", "Respond-Async", {}),
    ],
)
def test_a_caller_may_ask_not_to_wait(
    start: Start, query: str, prefer: str, fields: dict[str, Any]
) -> None:
    api = start(default_wait_seconds=LONG)

    answer = api.generate(query, prefer, **fields)

    assert answer.status_code == 202
    assert api.events.seen.empty()
    expected = "respond-async" if prefer.lower() == "respond-async" else None
    assert answer.headers.get("Preference-Applied") == expected


@pytest.mark.parametrize(
    "prefer",
    ["wait=9", "WAIT=9", "wait = 9", 'wait="9"', "handling=lenient, wait=9", "wait=9; x=y"],
)
def test_prefer_is_read_as_its_standard_says(api: Api, prefer: str) -> None:
    answer = api.while_waiting(lambda: api.generate("", prefer), api.succeed)

    assert answer.headers["Preference-Applied"] == "wait=9"


@pytest.mark.parametrize(
    "prefer", ["wait", "wait=", "wait=soon", "wait=-1", "wait=1.5", "awaits=9", ",;,=", "wait=٣"]
)
def test_a_preference_that_cannot_be_read_is_ignored(api: Api, prefer: str) -> None:
    headers = [("Prefer", prefer.encode().decode("latin-1"))]

    answer = api.call("POST", "/generate_image", json={"prompt": "a fox"}, headers=headers)

    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers
    assert api.events.seen.empty()


BAD_WAITS = ["soon", "-1", "nan", "inf", "1e999", "1,5", "5s", "0x9"]


@pytest.mark.parametrize("wait", ["", *BAD_WAITS])
def test_a_wait_in_the_query_that_is_no_time_is_refused(api: Api, wait: str) -> None:
    errors = errors_of(api.generate(f"?wait={wait}"))

    assert errors == {"wait": "wait must be seconds (0 or more), true or false"}
    assert api.is_empty()


@pytest.mark.parametrize("wait", ["", *BAD_WAITS, -1, float("nan"), 10**400, [], {}, [5]])
def test_a_wait_in_the_body_that_is_no_time_is_refused(api: Api, wait: object) -> None:
    errors = errors_of(api.generate(wait_seconds=wait))

    assert errors == {"wait_seconds": "wait_seconds must be seconds (0 or more), true or false"}
    assert api.is_empty()


def test_a_wait_is_no_part_of_what_is_bought(api: Api) -> None:
    assert "wait_seconds" not in json_of(api.generate(wait_seconds=0))["request"]


def test_beyond_the_most_waiters_a_wait_is_answered_at_once(start: Start) -> None:
    api = start(max_waiters=1)
    second = []

    def one_more(first_id: str) -> None:
        second.append(api.generate(f"?wait={LONG}"))
        api.succeed(first_id)

    first = api.while_waiting(lambda: api.generate(f"?wait={LONG}"), one_more)

    assert (first.status_code, second[0].status_code) == (200, 202)
    assert api.events.seen.empty()


def test_a_place_to_wait_is_given_back(start: Start) -> None:
    api = start(max_waiters=1)

    answers = [api.while_waiting(lambda: api.generate("?wait=9"), api.succeed) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]


def test_where_nobody_may_wait_everybody_is_answered_at_once(start: Start) -> None:
    api = start(max_waiters=0)
    job = accepted(api.store)

    assert api.generate(f"?wait={LONG}").status_code == 202
    assert api.get(f"/jobs/{job.id}?wait={LONG}").status_code == 200
    assert api.events.seen.empty()


@pytest.mark.parametrize("path", ["generate", "job", "image"])
def test_a_job_that_ends_just_before_the_wait_begins_is_noticed(api: Api, path: str) -> None:
    api.while_waiting(lambda: api.generate(f"?wait={LONG}"), api.succeed)
    until(api.redis.pubsub_channels)
    job = accepted(api.store)
    calls: dict[str, Callable[[], TestResponse]] = {
        "generate": lambda: api.generate(f"?wait={LONG}"),
        "job": lambda: api.get(f"/jobs/{job.id}?wait={LONG}"),
        "image": lambda: api.get(f"/saved_images/{job.image}"),
    }
    api.events.before = api.succeed
    begun = time.monotonic()

    answer = calls[path]()

    assert answer.status_code == 200
    assert time.monotonic() - begun < 5


def test_whoever_waits_asks_redis_nothing_meanwhile(api: Api) -> None:
    api.generate("?wait=0.2")
    short = commands_of(api, "?wait=0.4")

    long = commands_of(api, "?wait=1.3")

    assert long <= short + 1


def commands_of(api: Api, query: str) -> int:
    """Return how many commands one call with a wait costs the server."""
    before = commands(api)
    api.generate(query)
    return commands(api) - before


def commands(api: Api) -> int:
    """Return how many commands the server has done, without those that keep connections alive."""
    quiet = ("cmdstat_ping", "cmdstat_info", "cmdstat_hello", "cmdstat_auth", "cmdstat_client")
    stats = api.redis.info("commandstats")
    return sum(stat["calls"] for name, stat in stats.items() if not name.startswith(quiet))
