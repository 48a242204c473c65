"""The page at /: what runs, and nothing from another host."""

import re

from tests.api.callers import Api
from tests.api.conftest import Start


def page(api: Api, **headers: str) -> str:
    """Return the page."""
    answer = api.get("/", **headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def test_the_page_says_that_pictures_come_from_the_sandbox(api: Api) -> None:
    html = page(api)

    assert "Sandbox." in html
    assert "cost nothing" in html
    assert "cost credits" not in html


def test_the_page_says_that_pictures_come_from_stability(start: Start) -> None:
    html = page(start(api_key="sk-very-secret"))

    assert "cost credits" in html
    assert "Sandbox" not in html
    assert "secret" not in html


def test_the_page_shows_how_to_show_a_key_where_one_is_needed(api: Api, start: Start) -> None:
    assert "X-API-Key" not in page(api)
    assert page(start(client_keys="alice:alice-has-this-key")).count("X-API-Key: $KEY") == 2


def test_the_page_may_load_nothing_but_its_own(api: Api) -> None:
    policy = api.get("/").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_refers_nobody_and_is_not_sniffed(api: Api) -> None:
    headers = api.get("/").headers

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_loads_nothing_from_another_host_and_no_script(api: Api) -> None:
    html = page(api)

    loaded = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert loaded
    assert all(re.match(r"/(?!/)", address) for address in loaded)
    assert "<script" not in html
    assert "style=" not in html


def test_everything_the_page_links_to_is_there(api: Api) -> None:
    api.store.heartbeat("w", 10, 60_000)

    loaded = re.findall(r'(?:src|href)="([^"]*)"', page(api))

    assert {address: api.get(address).status_code for address in loaded} == dict.fromkeys(
        loaded, 200
    )


def test_the_commands_on_the_page_name_the_public_address(start: Start) -> None:
    html = page(start(public_base_url="https://img.example", allow_anonymous=True))

    assert "https://img.example/generate_image" in html
    assert "https://img.example/upscale_image" in html


def test_the_page_never_takes_an_address_from_the_caller(start: Start) -> None:
    api = start(allow_anonymous=True, allowed_hosts="other.example")

    html = page(api, Host="other.example:99", X_Forwarded_Host="other.example")

    assert "other" not in html
    assert "http://127.0.0.1:5000/generate_image" in html
