"""`CREDITS_PER_DAY`: what is answered when the day's credits are spent."""

import pytest
from werkzeug.test import TestResponse

from tests.api.callers import Api, json_of
from tests.api.conftest import Start


@pytest.fixture
def api(start: Start) -> Api:
    """Give a service that may spend ten credits a day."""
    return start(credits_per_day="10")


def refused(answer: TestResponse, needed: str, left: str) -> bool:
    """Tell whether an answer refuses for want of credits, and says what is left."""
    said = f"This would cost {needed} credits, and {left} of the 10 that this service may spend"
    body = json_of(answer)
    assert body["error"].startswith(said)
    return (answer.status_code, body["error_code"]) == (402, "budget_exceeded")


def test_more_than_the_day_has_left_is_refused_and_told(api: Api) -> None:
    for _ in range(3):
        assert api.generate().status_code == 202

    answer = api.generate()

    assert refused(answer, "3", "1")
    assert 0 < int(answer.headers["Retry-After"]) <= 86_400
    assert answer.headers["RateLimit-Policy"] == '"credits-per-day";q=10;w=86400'
    assert answer.headers["RateLimit"] == f'"credits-per-day";r=1;t={answer.headers["Retry-After"]}'


def test_a_batch_that_costs_too_much_is_refused_as_a_whole(api: Api) -> None:
    assert refused(api.batch("a fox", "a hare", "a bear", "an owl"), "12", "10")
    assert api.is_empty()


def test_an_upload_that_costs_too_much_is_not_kept(api: Api) -> None:
    answer = api.upscale(mode="conservative", prompt="a fox")

    assert refused(answer, "40", "10")
    assert api.is_empty()


def test_a_canceled_job_gives_its_credits_back(api: Api) -> None:
    jobs = [json_of(api.generate())["job_id"] for _ in range(3)]
    spent = api.generate()

    api.call("DELETE", f"/jobs/{jobs[0]}")

    assert (spent.status_code, api.generate().status_code) == (402, 202)


def test_a_dry_run_costs_nothing(api: Api) -> None:
    for _ in range(4):
        assert api.generate("?dry_run=true").status_code == 200

    assert api.is_empty()


def test_without_the_setting_nothing_is_refused(start: Start) -> None:
    api = start()

    assert {api.generate().status_code for _ in range(20)} == {202}
