"""The studio at /: it says what runs, offers what the table of operations has, and loads its own."""

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest

from api.studio_form import told as told_by
from shared.operations import BY_VARIANT, offered
from shared.settings import Settings
from tests.api.callers import Api
from tests.api.conftest import Start

ASSETS = Path(__file__).parent.parent.parent / "api" / "static" / "studio"
SCRIPTS = sorted(ASSETS.glob("*.js"))
IMPORT = re.compile(r'(?:from|import) ?\(?"([^"]*)"')


def page(api: Api, **headers: str) -> str:
    """Return the page."""
    answer = api.get("/", **headers)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def told(api: Api) -> dict[str, Any]:
    """Return what the page's scripts are told."""
    (found,) = re.findall(r'<body data-told="([^"]*)">', page(api))
    body: dict[str, Any] = json.loads(html.unescape(found))
    return body


def loaded(text: str) -> list[str]:
    """Return what a page loads by itself, and what it links to beside Flower."""
    found = re.findall(r'(?:src|href)="([^"#]+)"', text)
    return [urljoin("/", address) for address in found if not address.endswith(":5555/")]


def test_the_page_says_that_pictures_come_from_the_sandbox(api: Api) -> None:
    text = page(api)

    assert "Sandbox." in text
    assert "cost nothing" in text
    assert "cost credits" not in text
    assert told(api)["sandbox"] is True


def test_the_page_says_that_pictures_come_from_stability(start: Start) -> None:
    api = start(api_key="sk-very-secret")

    assert "cost credits" in page(api)
    assert "Sandbox" not in page(api)
    assert "secret" not in page(api)
    assert told(api)["sandbox"] is False


def test_the_page_shows_how_to_show_a_key_where_one_is_needed(api: Api, start: Start) -> None:
    keyed = start(client_keys="alice:alice-has-this-key")

    assert "X-API-Key" not in page(api)
    assert page(keyed).count("X-API-Key: $KEY") == 3
    assert "alice" not in page(keyed)
    assert told(keyed)["keys"] is True


def test_choices_prices_and_limits_are_those_of_the_table(start: Start) -> None:
    api = start(prices='{"core": 3.25}', upscale_max_side="640", batch_max_jobs="7")

    known = told(api)

    assert {kind: list(variants) for kind, variants in known["kinds"].items()} == {
        "generate": list(offered("generate")),
        "upscale": list(offered("upscale")),
    }
    for variants in known["kinds"].values():
        for variant, told_of in variants.items():
            assert told_of["fields"].keys() == BY_VARIANT[variant].options.model_fields.keys()
    assert known["kinds"]["generate"]["core"]["credits"] == 3.25
    assert "core · 3.25 credits" in page(api)
    assert (known["most_side"], known["most_jobs"]) == (640, 7)
    assert known["kinds"]["upscale"]["creative"]["fields"]["creativity"] == {
        "required": False, "minimum": 0.1, "maximum": 0.5, "default": None,
    }  # fmt: skip


def test_the_scripts_repeat_no_choice_and_no_price_of_the_table() -> None:
    written = "".join(path.read_text() for path in SCRIPTS)

    words = {*BY_VARIANT, "photographic", "21:9", "9:16"} - {"fast"}
    assert not [word for word in words if f'"{word}"' in written]


def test_the_page_may_load_nothing_but_its_own(api: Api) -> None:
    policy = api.get("/").headers["Content-Security-Policy"]

    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "http" not in policy


def test_the_page_refers_nobody_and_is_not_sniffed(api: Api) -> None:
    headers = api.get("/").headers

    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_has_no_script_and_no_style_inside(api: Api) -> None:
    text = page(api)

    assert all(re.match(r"/(?!/)", address) for address in loaded(text))
    assert re.findall(r"<script[^>]*>([^<]*)</script>", text) == [""]
    assert "style=" not in text
    assert "<style" not in text
    assert not re.search(r"\son\w+=", text)


def test_everything_the_page_links_to_is_there(start: Start) -> None:
    api = start()
    api.store.heartbeat("w", 10, 60_000)

    found = loaded(page(api))

    assert {"/docs", "/openapi.json", "/metrics"} <= set(found)
    assert {address: api.get(address).status_code for address in found} == dict.fromkeys(found, 200)


def test_what_is_the_operators_is_not_linked_to_where_it_is_closed(start: Start) -> None:
    text = page(start(client_keys="alice:alice-has-this-key"))

    assert 'href="metrics"' not in text
    assert ":5555/" not in text


def test_every_module_that_is_imported_is_there_and_none_for_nothing() -> None:
    names = {path.name for path in SCRIPTS}
    imported = {name for path in SCRIPTS for name in IMPORT.findall(path.read_text())}

    assert {f"./{name}" for name in names - {"main.js"}} == imported


def test_the_form_is_closed_until_every_script_has_run(api: Api) -> None:
    assert re.search(r'<button[^>]* id="send"[^>]* disabled', page(api))
    assert 'src="static/studio/main.js"' in page(api)
    assert not [path.name for path in SCRIPTS if re.search(r"\bimport\(", path.read_text())]


def test_pictures_that_lie_in_a_bucket_are_loaded_from_the_service(start: Start) -> None:
    assert told(start())["elsewhere"] is False

    settings = Settings(storage_url="s3://pictures", signed_redirect=True)
    assert told_by(settings)["elsewhere"] is True


def test_an_upgrade_is_not_served_with_old_modules(api: Api) -> None:
    for path in ("/", *(f"/static/studio/{script.name}" for script in SCRIPTS)):
        answer = api.get(path)
        assert answer.headers["Cache-Control"] == "no-cache"
    again = api.get("/static/studio/main.js", If_None_Match=answer.headers["ETag"])

    assert answer.headers["ETag"]
    assert again.status_code == 200
    assert api.get(path, If_None_Match=answer.headers["ETag"]).status_code == 304


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_elements_of_text_or_is_too_long(path: Path) -> None:
    text = path.read_text()

    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert "http://" not in text
    assert "https://" not in text
    assert len(text.splitlines()) <= 250


def test_the_commands_on_the_page_name_the_public_address(start: Start) -> None:
    text = page(start(public_base_url="https://img.example", allow_anonymous=True))

    assert "https://img.example/generate_image" in text
    assert "https://img.example/upscale_image" in text


def test_the_page_never_takes_an_address_from_the_caller(start: Start) -> None:
    api = start(allow_anonymous=True, allowed_hosts="other.example")

    text = page(api, Host="other.example:99", X_Forwarded_Host="other.example")

    assert "other.example" not in text
    assert "http://127.0.0.1:5000/generate_image" in text
