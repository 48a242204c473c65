"""One id for each request, on its answer and in the log."""

import logging
from typing import Any

import pytest

from shared.jobs import new_image_name
from tests.api.callers import Api, json_of
from tests.pictures import picture

Line = dict[str, Any]


def call(api: Api, given: str) -> str:
    """Return the id of a call that brought one, whatever is in it."""
    answer = api.call("GET", "/nowhere", environ_overrides={"HTTP_X_REQUEST_ID": given})
    told: str = answer.headers["X-Request-ID"]
    assert json_of(answer)["request_id"] == told
    return told


@pytest.mark.parametrize("given", ["a", "x" * 128, "0f1e-2d3c", "A.b_c-d+f=@"])
def test_a_sane_id_is_taken_from_the_caller(api: Api, given: str) -> None:
    assert call(api, given) == given


@pytest.mark.parametrize(
    "given",
    ["", " ", "a b", "a\r\nX-Evil: 1", "a\n", "a\0", "x" * 129, "Ã¤", "a,b", "<b>", '"a"', "a;b"],
)
def test_any_other_id_is_replaced(api: Api, given: str) -> None:
    told = call(api, given)

    assert told != given
    assert len(told) == 16
    assert int(told, 16) >= 0


def test_every_request_without_an_id_gets_one_of_its_own(api: Api) -> None:
    told = {api.get("/healthz").headers["X-Request-ID"] for _ in range(20)}

    assert len(told) == 20


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/jobs/x", "/nowhere", "/static/docs.css"]
)
def test_every_answer_has_its_id_and_is_not_sniffed(api: Api, path: str) -> None:
    headers = api.get(path, X_Request_ID="mine").headers

    assert headers["X-Request-ID"] == "mine"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_an_accepted_job_and_a_304_have_it_too(api: Api) -> None:
    answer = api.generate()
    api.succeed(api.job(answer).id)

    same = api.get(json_of(answer)["status_url"], If_None_Match='W/"3"', X_Request_ID="mine")

    assert answer.headers["X-Request-ID"]
    assert (same.status_code, same.headers["X-Request-ID"]) == (304, "mine")


def lines(caplog: pytest.LogCaptureFixture, level: int) -> list[Line]:
    """Return the facts of every line about a request."""
    names = ("method", "route", "status", "ms")
    return [
        {name: getattr(record, name) for name in names}
        for record in caplog.records
        if (record.getMessage(), record.levelno) == ("request", level)
    ]


def test_a_request_is_one_line_of_facts(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    api.generate()

    (line,) = lines(caplog, logging.INFO)
    assert line == {"method": "POST", "route": "/generate_image", "status": 202, "ms": line["ms"]}
    assert 0 <= line["ms"] < 5_000


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_the_questions_of_a_machine_are_no_news(
    api: Api, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    caplog.set_level(logging.DEBUG)

    api.get(path)

    assert lines(caplog, logging.INFO) == []
    assert len(lines(caplog, logging.DEBUG)) == 1


def test_an_address_that_opens_an_image_is_never_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    name = new_image_name("webp")
    api.services.images.put(name, picture(form="webp"))

    api.get(f"/saved_images/{name}")

    assert name not in "".join(str(vars(record)) for record in caplog.records)
    assert lines(caplog, logging.INFO)[0]["route"] == "/saved_images/<name>"


def test_an_unknown_address_is_not_logged_either(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    api.get("/secret-in-the-path")

    assert "secret" not in "".join(str(vars(record)) for record in caplog.records)


def test_a_prompt_is_never_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    api.generate(prompt="a very private fox")

    assert "private" not in "".join(str(vars(record)) for record in caplog.records)
