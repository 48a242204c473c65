"""What is refused before it reaches Flower."""

from base64 import b64encode
from typing import Any

import pytest
from flower.urls import handlers
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

from shared.settings import load_settings
from worker.flower_door import Door

LOGIN = "me:a-long-pässword"


def refused(
    method: str = "GET", path: str = "/tasks", headers: Any = None, **settings: Any
) -> dict[str, Any]:
    """Return with what a request is refused, {} when it may come in."""

    given = HTTPHeaders({"Host": "127.0.0.1:5555", **(headers or {})})
    line = RequestStartLine(method, path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=given)
    found = Door(load_settings(None, **settings)).rule.matcher.match(request)
    return found["target_kwargs"] if found else {}


def login(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(text.encode()).decode()}


PATHS = ["/", "/workers", "/tasks", "/task/x", "/broker", "/api/tasks", "/metrics"]


@pytest.mark.parametrize("path", PATHS)
def test_everything_is_behind_the_password(path: str) -> None:
    assert refused(path=path, operator_auth=LOGIN)["status"] == 401
    assert refused(path=path, headers=login("me:wrong"), operator_auth=LOGIN)["status"] == 401
    assert not refused(path=path, headers=login(LOGIN), operator_auth=LOGIN)


def test_whoever_looks_after_containers_needs_none() -> None:
    assert not refused(path="/healthcheck", operator_auth=LOGIN)


@pytest.mark.parametrize(
    "path",
    [
        "//healthcheck",
        "/healthcheck/",
        "/api/healthcheck",
        "/%68ealthcheck",
        "http://a/healthcheck",
    ],
)
def test_what_only_looks_like_it_needs_the_password(path: str) -> None:
    assert refused(path=path, operator_auth=LOGIN)["status"] == 401


def test_flower_is_given_a_password_of_its_own_in_place_of_the_operators() -> None:
    door = Door(load_settings(None, operator_auth=LOGIN))
    headers = HTTPHeaders({"Host": "127.0.0.1", **login(LOGIN)})
    request = HTTPServerRequest(
        start_line=RequestStartLine("GET", "/tasks", "HTTP/1.1"), headers=headers
    )

    assert door.match(request) is None

    assert headers["Authorization"] == login(door.credential)["Authorization"]
    assert "a-long" not in door.credential


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_another_site_sees_nothing(site: str, method: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "cors", **login(LOGIN)}

    for settings in ({}, {"operator_auth": LOGIN}):
        assert refused(method, "/tasks/datatable", headers, **settings)["status"] == 403


def test_a_link_on_another_site_may_be_followed() -> None:
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert not refused(headers=followed)
    assert refused("POST", "/tasks/datatable", followed)["status"] == 403


@pytest.mark.parametrize("given", ["", "Basic", "Basic ???", "Basic w6Q", "Bearer x", "Basic bWU="])
def test_what_is_no_password_is_refused(given: str) -> None:
    assert refused(headers={"Authorization": given}, operator_auth=LOGIN)["status"] == 401


@pytest.mark.parametrize("host", ["evil.example:5555", "127.0.0.1.evil.example", ""])
def test_without_a_password_a_name_that_leads_here_does_not_open_it(host: str) -> None:
    assert refused(headers={"Host": host})["status"] == 403
    assert refused(path="/healthcheck", headers={"Host": host})["status"] == 403


@pytest.mark.parametrize("host", ["localhost:5555", "[::1]:5555", "images.lan"])
def test_names_of_this_machine_are_taken(host: str) -> None:
    assert not refused(headers={"Host": host}, allowed_hosts="images.lan")


def test_with_a_password_any_name_will_do() -> None:
    headers = {"Host": "images.example.com", **login(LOGIN)}

    assert not refused(headers=headers, operator_auth=LOGIN)


def changing() -> list[str]:
    """Return the patterns of all that Flower has for others than those who look."""
    classes = [(rule[0], rule[1]) for rule in handlers if isinstance(rule, tuple)]
    return [str(pattern) for pattern, handler in classes if "post" in vars(handler)]


def test_nothing_can_be_changed() -> None:
    paths = [pattern.replace("(.+)", "x") for pattern in changing()]

    assert len(paths) > 10
    for path in paths:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            assert refused(method, path)["status"] == 403, path
    assert not refused("POST", "/tasks/datatable")  # how the page asks for its rows
    for path in (
        "/tasks/datatable/../../api/task/revoke/x",
        "/tasks/datatable%2f..",
        "//tasks/datatable",
    ):
        assert refused("POST", path)["status"] == 403, path
