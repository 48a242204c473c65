"""Who may call: a right client key, shown in one of two ways, before anything else is read."""

import hashlib

import pytest
from werkzeug.test import TestResponse

from api.auth import is_open
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.policy.test_documents import ROOT

ALICE, BOB = "alice-has-this-key", "bob-has-that-key"
KEYS = f"alice:sha256:{hashlib.sha256(ALICE.encode()).hexdigest()},bob:{BOB}"


@pytest.fixture
def api(start: Start) -> Api:
    """Give a service with two keys, one of them set by its hash."""
    return start(client_keys=KEYS)


def ask(api: Api, **headers: str) -> TestResponse:
    """Ask for the list of jobs."""
    return api.get("/jobs", **headers)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {ALICE}"},
        {"Authorization": f"bearer  {ALICE}"},
        {"X-API-Key": BOB},
        {"Authorization": f"Bearer {BOB}", "X-API-Key": BOB},
        {"Authorization": "Basic c29tZTpwcm94eQ==", "X-API-Key": BOB},
    ],
    ids=str,
)
def test_a_right_key_may_call(api: Api, headers: dict[str, str]) -> None:
    assert ask(api, **headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ALICE},
        {"Authorization": "Bearer "},
        {"Authorization": f"Basic {ALICE}"},
        {"Authorization": f"Bearer {ALICE}x"},
        {"Authorization": "Bearer alice"},
        {"Authorization": f"Bearer {KEYS.split(',', maxsplit=1)[0].removeprefix('alice:')}"},
        {"X-API-Key": "clé"},
        {"Authorization": f"Bearer {ALICE}", "X-API-Key": BOB},
    ],
    ids=str,
)
def test_anybody_else_is_told_how_to_show_a_key(api: Api, headers: dict[str, str]) -> None:
    answer = ask(api, **headers)

    assert_fault(answer, 401, "unauthorized")
    assert json_of(answer)["error"] in (ROOT / "docs" / "api.md").read_text()
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="Stability AI Image API"'


def test_nothing_is_read_or_looked_up_without_a_key(api: Api) -> None:
    for answer in (api.generate(), api.generate_raw(b"{"), api.get("/nothing/here")):
        assert_fault(answer, 401, "unauthorized")

    assert api.is_empty()


def test_what_is_open_asks_for_no_key(api: Api) -> None:
    for path in ("/healthz", "/openapi.json", "/openapi-actions.json", "/docs", "/"):
        assert api.get(path).status_code == 200
    assert api.get("/static/docs.css").status_code == 200
    assert_fault(api.get("/saved_images/nothing.webp"), 404, "not_found")


def test_the_operators_own_addresses_ask_for_another_credential() -> None:
    assert is_open("/metrics")
    assert is_open("/operator/jobs")
    assert not is_open("/operators")


def test_keys_count_also_where_anonymous_callers_are_allowed(start: Start) -> None:
    api = start(client_keys=KEYS, allow_anonymous="true")

    assert_fault(ask(api), 401, "unauthorized")


def test_without_keys_nobody_is_asked_for_one(start: Start) -> None:
    assert ask(start()).status_code == 200
