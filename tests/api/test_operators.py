"""What only the operator may do: by a password, on loopback without one, and never by a web page."""

import base64

import pytest

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.builders import CLAIM, LEASE_MS, accepted

EVERYWHERE = "0.0.0.0"  # noqa: S104 - an address to be refused, or inside a container

CALLS = [
    "GET /operator/jobs",
    "GET /operator/jobs/x",
    "DELETE /operator/jobs/x",
    "POST /operator/jobs/x/erase",
    "POST /operator/pause",
    "POST /operator/resume",
    "GET /metrics",
]
LOGIN = "boss:correct horse: battery"


def basic(login: str | bytes, scheme: str = "Basic") -> dict[str, str]:
    """Return the header of a login."""
    given = login.encode() if isinstance(login, str) else login
    return {"Authorization": f"{scheme} {base64.b64encode(given).decode()}"}


@pytest.fixture
def locked(start: Start) -> Api:
    """Give a service whose operator has a password."""
    return start(operator_auth=LOGIN)


def test_on_loopback_it_is_open(api: Api) -> None:
    for call in CALLS:
        assert api.call(*call.split()).status_code in {200, 404}


@pytest.mark.parametrize(
    "login",
    [
        {},
        basic("boss:wrong"),
        basic("boss:"),
        basic(LOGIN + "x"),
        basic("Boss:correct horse: battery"),
        basic(LOGIN, "Bearer"),
        basic(b"\xff\xfe:\xff"),
        {"Authorization": "Basic !!!"},
        {"Authorization": "Basic"},
        {"Authorization": LOGIN},
    ],
    ids=str,
)
def test_without_the_password_it_is_closed(locked: Api, login: dict[str, str]) -> None:
    for call in CALLS:
        answer = locked.call(*call.split(), headers=login)

        assert_fault(answer, 401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith('Basic realm="operator"')
    assert locked.services.halt.state() is None


def test_with_the_password_it_is_open(locked: Api) -> None:
    for call in CALLS:
        assert locked.call(*call.split(), headers=basic(LOGIN)).status_code in {200, 404}


def test_with_the_password_it_is_open_by_any_name_and_through_a_proxy(locked: Api) -> None:
    headers = {**basic(LOGIN), "Host": "images.internal", "X-Forwarded-For": "10.1.2.3"}

    assert locked.call("GET", "/operator/jobs", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("call", "status"),
    [
        ("GET /operator/pause", 405),
        ("POST /metrics", 405),
        ("POST /operator/pause?x=1", 400),
        ("DELETE /operator/jobs/x?y=1", 400),
    ],
)
@pytest.mark.parametrize("keys", [{}, {"client_keys": "alice:alice-has-this-key"}], ids=str)
def test_whatever_is_wrong_with_a_call_the_password_comes_first(
    start: Start, keys: dict[str, str], call: str, status: int
) -> None:
    api = start(operator_auth=LOGIN, **keys)

    refused = api.call(*call.split(), headers={"X-API-Key": "alice-has-this-key"})
    wrong = api.call(*call.split(), headers=basic(LOGIN))

    assert_fault(refused, 401, "unauthorized")
    assert refused.headers["WWW-Authenticate"].startswith('Basic realm="operator"')
    assert wrong.status_code == status
    assert (status == 405) == ("Allow" in wrong.headers)


@pytest.mark.parametrize(
    "given",
    [
        {"host": EVERYWHERE, "allow_anonymous": True},
        {"allow_anonymous": True},
        {"public_base_url": "https://img.example", "allow_anonymous": True},
    ],
    ids=str,
)
def test_where_others_may_come_it_is_closed_without_one(
    start: Start, given: dict[str, object]
) -> None:
    api = start(**given)

    for call in CALLS:
        answer = api.call(*call.split(), headers=basic("any:thing"))

        assert_fault(answer, 403, "forbidden")
        assert "OPERATOR_AUTH" in json_of(answer)["error"]


def test_in_a_container_that_only_its_machine_reaches_it_is_open(start: Start) -> None:
    api = start(host=EVERYWHERE, published_on_loopback=True)

    assert api.get("/operator/jobs", Host="127.0.0.1:5000").status_code == 200
    assert api.get("/operator/jobs", Host="10.1.2.3:5000").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "https://app.example"},
        {"Origin": "https://localhost:5000"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_no_other_page_may_use_the_password_that_a_browser_knows(
    start: Start, headers: dict[str, str]
) -> None:
    api = start(operator_auth=LOGIN, cors_origins="https://app.example")

    for call in CALLS:
        answer = api.call(*call.split(), headers={**basic(LOGIN), **headers})

        assert_fault(answer, 403, "forbidden")
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert api.services.halt.state() is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://img.example", "Host": "img.example"},
        {"Origin": "http://img.example:8080", "Host": "img.example:8080"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_its_own_page_may(locked: Api, headers: dict[str, str]) -> None:
    answer = locked.call("POST", "/operator/pause", headers={**basic(LOGIN), **headers})

    assert answer.status_code == 200


def test_all_jobs_are_listed_as_callers_list_theirs(api: Api) -> None:
    first, second = api.job(api.generate()), api.job(api.upscale())

    page = json_of(api.get("/operator/jobs?limit=1"))
    rest = json_of(api.get(f"/operator/jobs?cursor={page['next_cursor']}"))
    images = json_of(api.get("/operator/jobs?kind=generate"))

    assert [job["job_id"] for job in page["jobs"] + rest["jobs"]] == [second.id, first.id]
    assert [job["job_id"] for job in images["jobs"]] == [first.id]
    assert errors_of(api.get("/operator/jobs?kind=x&foo=1")).keys() == {"kind", "foo"}


def test_any_job_can_be_seen_whoever_owns_it(start: Start) -> None:
    api = start(client_keys="alice:alices-own-key", operator_auth=LOGIN)
    job = accepted(api.store, owner="alice")

    seen = api.call("GET", f"/operator/jobs/{job.id}", headers=basic(LOGIN))

    assert (seen.status_code, json_of(seen)["job_id"]) == (200, job.id)
    assert api.call("GET", f"/jobs/{job.id}", headers=basic(LOGIN)).status_code == 401


def test_any_job_can_be_ended(api: Api) -> None:
    job = api.job(api.generate())

    ended = api.call("DELETE", f"/operator/jobs/{job.id}")
    again = api.call("DELETE", f"/operator/jobs/{job.id}")

    assert (ended.status_code, json_of(ended)["status"]) == (200, "canceled")
    assert (again.status_code, json_of(again)["error_code"]) == (409, "conflict")


def test_a_pause_starts_nothing_until_it_ends(api: Api) -> None:
    api.store.heartbeat("w", 10, 60_000)

    paused = json_of(api.call("POST", "/operator/pause", json={"reason": " Back at noon. "}))
    job = json_of(api.generate())
    again = json_of(api.call("POST", "/operator/pause"))

    assert (paused["paused"], paused["reason"]) == (True, "Back at noon.")
    assert (again["paused_since"], again["reason"]) == (paused["paused_since"], "")
    assert job["message"].startswith("The operator has paused this service: Back at noon. The job")
    assert (job["queue_position"], job["eta_seconds"]) == (1, None)
    assert not api.queue.sent
    assert json_of(api.get("/readyz"))["provider"]["state"] == "paused"

    resumed = json_of(api.call("POST", "/operator/resume"))

    assert (resumed["paused"], resumed["paused_since"], resumed["reason"]) == (False, None, None)
    assert api.queue.sent == [job["job_id"]]
    assert json_of(api.get("/readyz"))["provider"]["state"] == "ok"


def test_a_job_that_waits_for_its_slot_is_not_called_any_more(api: Api) -> None:
    api.store.heartbeat("w", 10, 60_000)
    job = api.job(api.generate())
    assert api.store.claim(job.id, CLAIM, LEASE_MS)

    api.call("POST", "/operator/pause")

    assert api.store.begin_call(job.id, CLAIM, 10_000).word == "later"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"reason": 7}, ["reason"]),
        ({"reason": "x" * 201}, ["reason"]),
        ({"reason": "two\nlines"}, ["reason"]),
        ({"reason": "nul\x00"}, ["reason"]),
        ({"reason": "a control character that counts as a blank \x1d"}, ["reason"]),
        ({"reason": "half \ud800"}, ["reason"]),
        ({"why": "x", "reason": []}, ["reason", "why"]),
        ({"a\ud800": 1}, ["a?"]),
    ],
)
def test_a_pause_takes_one_line_and_nothing_else(
    api: Api, body: dict[str, object], fields: list[str]
) -> None:
    answer = api.call("POST", "/operator/pause", json=body)

    assert list(errors_of(answer)) == fields
    assert api.services.halt.state() is None


@pytest.mark.parametrize("body", ["[]", "7", '"x"', "{", '{"a": ' + "[" * 5_000])
def test_a_body_that_is_no_object_is_refused(api: Api, body: str) -> None:
    for path in ("/operator/pause", "/operator/resume"):
        answer = api.call("POST", path, data=body, content_type="application/json")

        assert_fault(answer, 400, "invalid_request")


def test_to_resume_takes_nothing(api: Api) -> None:
    api.call("POST", "/operator/pause")

    answer = api.call("POST", "/operator/resume", json={"reason": "x"})

    assert list(errors_of(answer)) == ["reason"]
    assert api.services.halt.state()
