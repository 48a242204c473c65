"""Pages of other origins: only those that are named, and what they may send and read."""

import pytest

from tests.api.callers import Api
from tests.api.conftest import Start

PAGE = "https://app.example"


@pytest.fixture
def shared(start: Start) -> Api:
    """Give a service that two pages may call."""
    return start(cors_origins=f"{PAGE}, HTTP://Dev.Example:8080/".rstrip("/"))


def preflight(api: Api, origin: str, path: str = "/generate_image", **more: str) -> dict[str, str]:
    """Return the headers that a preflight is answered with."""
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", **more}
    return dict(api.call("OPTIONS", path, headers=headers).headers)


def test_without_it_no_page_may_read_anything(api: Api) -> None:
    told = api.get("/healthz", Origin=PAGE).headers

    assert not [name for name in told.keys() if name.startswith("Access-Control")]  # noqa: SIM118
    assert "Origin" not in told.get("Vary", "")


@pytest.mark.parametrize("origin", [PAGE, "http://dev.example:8080"])
def test_a_page_that_is_named_may_ask_and_read(shared: Api, origin: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}

    answer = shared.call("POST", "/generate_image", json={"prompt": "x"}, headers=headers)

    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Retry-After", "ETag", "X-Request-ID", "Idempotent-Replayed"} <= set(
        exposed
    )
    assert {"RateLimit", "RateLimit-Policy"} <= set(exposed)
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_it_may_read_what_is_wrong_too(shared: Api) -> None:
    answer = shared.get("/jobs/nothing", Origin=PAGE)

    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:444",
        "https://APP.example",
        "null",
        "",
    ],
)
def test_no_other_page_may(shared: Api, origin: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}

    answer = shared.call("POST", "/generate_image", json={"prompt": "x"}, headers=headers)

    assert answer.status_code == 403
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]
    assert "Access-Control-Allow-Methods" not in preflight(shared, origin)


@pytest.mark.parametrize("path", ["/generate_image", "/jobs/x", "/batches", "/saved_images/x.png"])
def test_a_preflight_tells_what_may_be_sent(shared: Api, path: str) -> None:
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    answer = shared.call("OPTIONS", path, headers=asked)

    assert (answer.status_code, answer.get_data()) == (204, b"")
    told = answer.headers
    assert told["Access-Control-Allow-Origin"] == PAGE
    assert told["Access-Control-Allow-Methods"] == "GET, HEAD, POST, DELETE"
    taken = told["Access-Control-Allow-Headers"].split(", ")
    assert {"Authorization", "Idempotency-Key", "Prefer", "X-API-Key", "Content-Type"} <= set(taken)
    assert {"X-Stainless-Lang", "X-Stainless-Retry-Count", "OpenAI-Organization"} <= set(taken)
    assert told["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Private-Network" not in told
    assert {"Origin", "Access-Control-Request-Method"} <= set(told["Vary"].split(", "))


def test_a_browser_that_asks_about_the_private_network_is_told(shared: Api) -> None:
    asked = {"Access-Control-Request-Private-Network": "true"}

    assert preflight(shared, PAGE, **asked)["Access-Control-Allow-Private-Network"] == "true"


def test_what_is_the_operators_is_no_pages(shared: Api) -> None:
    assert "Access-Control-Allow-Origin" not in preflight(shared, PAGE, "/operator/pause")


def test_an_address_that_is_not_there_has_no_preflight(shared: Api) -> None:
    headers = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    assert shared.call("OPTIONS", "/nowhere", headers=headers).status_code == 404
