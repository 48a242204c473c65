"""What is refused before it is read."""

import pytest

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start

EVERYWHERE = "0.0.0.0"  # noqa: S104 - an address to be refused, or inside a container

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "Cross-Site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://[half"},
    {"Origin": "https://127.0.0.1.evil.example"},
    {"Origin": "http://localhost:5000@evil.example"},
    {"Origin": "http://localhost, http://evil.example"},
    {"Origin": "chrome-extension://localhost"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_page_of_another_site_may_not_spend_credits(api: Api, headers: dict[str, str]) -> None:
    for path in ("/generate_image", "/upscale_image", "/batches"):
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


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_nor_may_it_ask(api: Api, headers: dict[str, str]) -> None:
    for path in ("/jobs", "/jobs/x", "/batches/x/archive", "/operator/jobs"):
        assert_fault(api.call("GET", path, headers=headers), 403, "forbidden")


@pytest.mark.parametrize(
    "path",
    ["/healthz", "/", "/docs", "/openapi.json", "/openapi-actions.json", "/static/docs.css"],
)
def test_any_page_may_show_what_it_can_not_read(api: Api, path: str) -> None:
    answer = api.call("GET", path, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200


def test_any_page_may_show_an_image(api: Api) -> None:
    job = api.job(api.generate())
    api.succeed(job.id)

    answer = api.call("GET", f"/saved_images/{job.image}", headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 200
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"


def test_a_person_may_follow_a_link_from_another_site(api: Api) -> None:
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}

    assert api.get("/jobs", **visit, **{"Sec-Fetch-Dest": "document"}).status_code == 200
    assert api.get("/jobs", **visit, **{"Sec-Fetch-Dest": "iframe"}).status_code == 403
    assert (
        api.call(
            "POST", "/generate_image", headers={**visit, "Sec-Fetch-Dest": "document"}
        ).status_code
        == 403
    )


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost:5000@evil.example",
        "evil.example#localhost",
        "[::1]evil.example",
        "[::ffff:10.0.0.1]",
        "[::1",
        "localhost:port",
        "localhost:99999",
        "localhost, evil.example",
        EVERYWHERE,
        "192.168.1.5",
        "2130706433",
        "127.1",
        "",
        "localh\u00f6st",
        "evil\x00localhost",
    ],
)
def test_a_name_that_somebody_else_gave_this_machine_is_refused(api: Api, host: str) -> None:
    for call in ("GET /jobs", "POST /generate_image", "GET /nowhere", "GET /"):
        answer = api.call(*call.split(), environ_overrides={"HTTP_HOST": host})

        assert_fault(answer, 403, "forbidden")
        assert "evil" not in json_of(answer)["error"]


def test_a_request_that_names_no_host_is_refused(api: Api) -> None:
    answer = api.call("GET", "/jobs", environ_overrides={"HTTP_HOST": ""})

    assert_fault(answer, 403, "forbidden")


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:5000", "localhost.:80", "127.0.0.1:5000", "127.8.8.8", "[::1]:5000"],
)
def test_a_name_of_this_machine_is_taken(api: Api, host: str) -> None:
    assert api.get("/jobs", Host=host).status_code == 200


def test_a_name_that_the_operator_lists_is_taken(start: Start) -> None:
    api = start(allowed_hosts="Images.LAN, fe80::1", allow_anonymous=False)

    hosts = ("images.lan:5000", "images.lan.", "[fe80::1]:5000", "other.lan", "x.images.lan")

    statuses = [api.get("/jobs", Host=host).status_code for host in hosts]
    assert statuses == [200, 200, 200, 403, 403]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_who_looks_after_containers_may_ask_by_any_name(api: Api, path: str) -> None:
    api.store.heartbeat("w", 10, 60_000)

    assert api.get(path, Host="10.1.2.3:5000", X_Forwarded_For="10.1.2.4").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "Via",
        "CF-Connecting-IP",
    ],
)
def test_a_proxy_may_not_open_the_service_to_others(api: Api, name: str) -> None:
    for call in ("GET /jobs", "POST /generate_image", "DELETE /operator/jobs/x"):
        answer = api.call(*call.split(), headers={name: "for=10.1.2.3"})

        assert_fault(answer, 403, "forbidden")
        assert "ALLOW_ANONYMOUS" in json_of(answer)["error"]


def test_who_may_be_called_by_anybody_takes_any_address_but_no_foreign_name(start: Start) -> None:
    api = start(allow_anonymous=True, host=EVERYWHERE, public_base_url="https://img.example/api")
    hosts = ("192.168.1.5:5000", "[fd00::1]", "img.example", "evil.example", EVERYWHERE)

    statuses = [api.get("/jobs", Host=host).status_code for host in hosts]

    assert statuses == [200, 200, 200, 403, 403]
    assert api.get("/jobs", X_Forwarded_For="10.1.2.3").status_code == 200


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_no_page_of_another_site_may_call_it_either(start: Start, headers: dict[str, str]) -> None:
    api = start(allow_anonymous=True, public_base_url="https://img.example")

    assert api.call("POST", "/generate_image", headers=headers).status_code == 403
    assert api.generate().status_code == 202


def test_a_page_of_its_own_address_may(start: Start) -> None:
    api = start(allow_anonymous=True)
    headers = {"Host": "192.168.1.5:5000", "Origin": "http://192.168.1.5:5000"}

    answer = api.call("POST", "/generate_image", json={"prompt": "x"}, headers=headers)

    assert answer.status_code == 202


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
