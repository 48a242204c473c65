"""The same request again gives the same job again, and is paid once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.fakes import FlakyStore
from tests.pictures import picture

KEY = {"Idempotency-Key": "k-1"}


def ask(
    api: Api, key: dict[str, str] | None = None, query: str = "", **fields: Any
) -> TestResponse:
    """Ask for an image under a key."""
    body = {"prompt": "a fox", **fields}
    return api.call(
        "POST", f"/generate_image{query}", json=body, headers=KEY if key is None else key
    )


def test_the_same_request_again_is_the_same_job(api: Api) -> None:
    first, again = ask(api), ask(api)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        ({"Idempotency-Key": '"k-1"'}, {}),
        ({}, {"idempotency_key": "k-1"}),
        (KEY, {"idempotency_key": "k-1"}),
        (KEY, {"wait_seconds": 0}),
        (KEY, {"model": "core", "aspect_ratio": "1:1"}),
        (KEY, {"prompt": "  a fox "}),
    ],
    ids=str,
)
def test_the_same_key_and_request_may_be_written_otherwise(
    api: Api, key: dict[str, str], fields: dict[str, Any]
) -> None:
    first, again = ask(api), ask(api, key, **fields)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]


@pytest.mark.parametrize(
    "fields", [{"prompt": "a bear"}, {"seed": 1}, {"metadata": {"a": "b"}}], ids=str
)
def test_the_same_key_for_another_request_is_refused(api: Api, fields: dict[str, Any]) -> None:
    ask(api)

    assert_fault(ask(api, **fields), 422, "idempotency_key_reused")
    assert api.redis.zcard("images:queued") == 1


def test_an_upload_counts_by_its_bytes(api: Api) -> None:
    def upscale(side: int, name: str) -> TestResponse:
        return api.upscale(picture(side, side), idempotency_key="u")

    first, again, other = upscale(64, "a"), upscale(64, "b"), upscale(65, "a")

    assert json_of(first)["job_id"] == json_of(again)["job_id"]
    assert_fault(other, 422, "idempotency_key_reused")
    assert len(api.inputs()) == 1


def test_a_key_that_comes_again_at_another_address_is_refused(api: Api) -> None:
    ask(api, {}, idempotency_key="x")

    assert_fault(api.upscale(idempotency_key="x"), 422, "idempotency_key_reused")


def test_a_refused_request_uses_up_no_key(api: Api) -> None:
    assert ask(api, seed=-1).status_code == 400

    assert ask(api).status_code == 202


def test_a_replay_is_answered_though_the_queue_is_full(api: Api) -> None:
    first = ask(api)
    for _ in range(20):
        api.generate()
    object.__setattr__(api.services.settings, "queue_max_jobs", 1)

    again = ask(api)

    assert json_of(first)["job_id"] == json_of(again)["job_id"]


def test_a_replay_tells_the_job_as_it_is_by_now(api: Api) -> None:
    job_id = json_of(ask(api))["job_id"]
    api.succeed(job_id)

    again = ask(api, query="?wait=5")

    assert (again.status_code, json_of(again)["status"]) == (200, "succeeded")


def test_twenty_equal_requests_at_once_make_one_job(api: Api) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(api), range(20)))

    assert len({json_of(answer)["job_id"] for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 19
    assert api.redis.zcard("images:queued") + api.redis.zcard("images:dispatched") == 1


def test_a_key_lives_for_a_day(api: Api) -> None:
    ask(api)

    (key,) = api.redis.keys("images:idempotency:*")

    assert 86_000_000 < api.redis.pttl(key) <= 86_400_000


@pytest.mark.parametrize(
    ("key", "fields", "name"),
    [
        ({"Idempotency-Key": ""}, {}, "Idempotency-Key"),
        ({"Idempotency-Key": '""'}, {}, "Idempotency-Key"),
        ({"Idempotency-Key": "x" * 256}, {}, "Idempotency-Key"),
        ({}, {"idempotency_key": 5}, "idempotency_key"),
        ({}, {"idempotency_key": ""}, "idempotency_key"),
        (KEY, {"idempotency_key": "other"}, "idempotency_key"),
    ],
    ids=str,
)
def test_a_key_that_is_none_is_named(
    api: Api, key: dict[str, str], fields: dict[str, Any], name: str
) -> None:
    assert list(errors_of(ask(api, key, **fields))) == [name]
    assert api.is_empty()


def test_a_dry_run_tells_the_price_and_the_queue_and_does_nothing(api: Api) -> None:
    api.generate()

    answer = json_of(api.generate("?dry_run=true", model="ultra"))

    assert answer["credits_estimate"] == 8
    assert answer["request"]["model"] == "ultra"
    assert answer["queue"] == {"waiting": 1, "running": 0}
    assert api.redis.zcard("images:queued") + api.redis.zcard("images:dispatched") == 1


def test_a_dry_run_of_a_wrong_request_is_refused_as_the_request_would_be(api: Api) -> None:
    assert list(errors_of(api.generate("?dry_run=true", seed=-1))) == ["seed"]
    assert list(errors_of(api.generate("?dry_run=perhaps"))) == ["dry_run"]
    assert api.is_empty()


def test_who_has_no_limit_and_names_nothing_to_fetch_is_looked_up_once(api: Api) -> None:
    never = FlakyStore(api.store, acts_first=False, find_replay=99)
    caller = Api(replace(api.services, store=never), api.redis)  # type: ignore[arg-type]

    first, again = (caller.generate(idempotency_key="k") for _ in range(2))

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert json_of(again)["job_id"] == json_of(first)["job_id"]
