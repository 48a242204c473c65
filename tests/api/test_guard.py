"""What is refused before it is read."""

import pytest

from tests.api.callers import Api, assert_fault, errors_of, json_of


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[half"},
        {"Origin": "https://127.0.0.1.evil.example"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/generate_image", "/upscale_image"])
def test_a_page_of_another_site_may_not_spend_credits(
    api: Api, path: str, headers: dict[str, str]
) -> None:
    answer = api.call("POST", path, data={"prompt": "a bill for you"}, headers=headers)

    assert_fault(answer, 403, "forbidden")
    assert api.is_empty()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:5000", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_own_pages_and_programs_may(api: Api, headers: dict[str, str]) -> None:
    answer = api.call("POST", "/generate_image", json={"prompt": "mine"}, headers=headers)

    assert answer.status_code == 202


def test_any_page_may_show_an_image(api: Api) -> None:
    answer = api.call("GET", "/healthz", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["dryrun=true", "wiat=true", "wait=1&x=1"])
def test_an_option_that_would_be_dropped_is_refused_by_name(api: Api, query: str) -> None:
    answer = api.call("POST", f"/generate_image?{query}", json={"prompt": "x"})

    assert_fault(answer, 400, "invalid_request")
    assert query.split("=")[-2].rsplit("&", maxsplit=1)[-1] in json_of(answer)["error"]
    assert api.is_empty()


def test_a_wrong_option_is_told_with_everything_else_that_is_wrong(api: Api) -> None:
    answer = api.generate("?foo=1&wait=x&dry_run=perhaps", seed=-1)

    assert list(errors_of(answer)) == ["seed", "wait", "foo", "dry_run"]
    assert api.is_empty()


@pytest.mark.parametrize("call", ["DELETE /jobs/x", "POST /jobs/x/redeliver", "DELETE /batches/x"])
def test_what_takes_no_option_drops_none(api: Api, call: str) -> None:
    method, path = call.split()

    answer = api.call(method, f"{path}?dry_run=true")

    assert list(errors_of(answer)) == ["dry_run"]
