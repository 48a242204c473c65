"""The page at /docs: reads and tries the document, with nothing from another host."""

import re
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.api.callers import Api
from tests.api.conftest import Start

STATIC = Path(__file__).parent.parent.parent / "api" / "static"


def loaded(api: Api, at: str = "http://localhost/docs") -> list[str]:
    """Return the addresses that the page loads, as a browser reads them."""
    answer = api.get("/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    html = answer.get_data(as_text=True)
    return [urljoin(at, address) for address in re.findall(r'(?:src|href)="([^"]*)"', html)]


def policy(api: Api) -> dict[str, str]:
    """Return what the page's Content-Security-Policy says of each kind."""
    told = api.get("/docs").headers["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in told.split(";"))


def test_everything_the_page_loads_is_here(api: Api) -> None:
    addresses = loaded(api)

    assert len(addresses) >= 5
    assert {urljoin(address, "/") for address in addresses} == {"http://localhost/"}
    for address in addresses:
        assert api.get(address.removeprefix("http://localhost")).status_code == 200, address


@pytest.mark.parametrize("kind", ["swagger-ui.css", "swagger-ui-bundle.js"])
def test_the_reader_comes_from_its_package(api: Api, kind: str) -> None:
    address = next(address for address in loaded(api) if kind in address)

    answer = api.get(address.removeprefix("http://localhost"))

    assert answer.mimetype in {"text/css", "text/javascript"}
    assert len(answer.get_data()) > 100_000
    assert answer.headers["ETag"]
    assert re.search(r"\?v=5\.\d+\.\d+$", address)


def test_nothing_of_our_own_names_another_host(api: Api) -> None:
    html = api.get("/docs").get_data(as_text=True)

    for text in (html, *(path.read_text() for path in STATIC.glob("docs.*"))):
        assert not re.search(r"https?:|//[a-z]+\.", text)


def test_the_page_may_load_nothing_from_another_host(api: Api) -> None:
    told = policy(api)

    assert told["default-src"] == "'none'"
    assert told["script-src"] == told["style-src"] == told["connect-src"] == "'self'"
    assert told["img-src"] == "'self' data: blob:"
    assert told["frame-ancestors"] == "'none'"


def test_no_script_or_style_stands_in_the_page(api: Api) -> None:
    html = api.get("/docs").get_data(as_text=True)

    assert all(script.strip() == "" for script in re.findall(r"<script[^>]*>(.*?)</script>", html))
    assert "<style" not in html
    assert "style=" not in html


def test_the_page_may_call_the_public_address(start: Start) -> None:
    api = start(public_base_url="https://img.example/api", allow_anonymous=True)

    assert policy(api)["connect-src"] == "'self' https://img.example"
    # below a path, as a proxy may serve it
    assert all(
        address.startswith("https://img.example/api/")
        for address in loaded(api, "https://img.example/api/docs")
    )


def test_the_page_refers_nobody_and_is_not_sniffed(api: Api) -> None:
    headers = api.get("/docs").headers

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_a_page_may_try_what_the_document_says(api: Api) -> None:
    headers = {"Origin": "http://127.0.0.1:5000", "Sec-Fetch-Site": "same-origin"}

    answer = api.call("POST", "/generate_image?wait=0", json={"prompt": "a fox"}, headers=headers)

    assert answer.status_code == 202
