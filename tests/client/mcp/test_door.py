"""The tools over HTTP: who is let in, and with whose key the service is called."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient

from client.mcp.door import Address, build_app
from client.mcp.settings import Settings, SettingsFault
from tests.client.scripted import Script, says, told

HEADERS = {"Accept": "application/json, text/event-stream"}
KEY = {"Authorization": "Bearer mine"}
DONE = told(
    "succeeded",
    image_url="/saved_images/a.png",
    image={"format": "png", "width": 1, "height": 1, "bytes": 3, "seed": 1},
)


@contextmanager
def door(settings: Settings, listen: str = "127.0.0.1:5601") -> Iterator[TestClient]:
    """Give a client of the tools' server, in this process."""
    app = build_app(settings, Address.of(listen, settings))
    with TestClient(app, base_url="http://127.0.0.1:5601") as client:
        yield client


def call(client: TestClient, name: str, arguments: dict[str, Any], **headers: str) -> Any:
    """Call a tool with one plain POST, as the oldest clients do."""
    params = {"name": name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return client.post("/mcp", json=body, headers={**HEADERS, **headers})


def get_job(client: TestClient, **headers: str) -> Any:
    """Call the simplest tool."""
    return call(client, "get_job", {"job_id": "j1"}, **headers)


def result_of(answer: Any) -> dict[str, Any]:
    """Return the result in an answer's stream."""
    assert answer.status_code == 200, answer.text
    data = [line[6:] for line in answer.text.splitlines() if line.startswith("data: {")]
    result: dict[str, Any] = json.loads(data[-1])["result"]
    return result


@pytest.fixture
def settings(service: Script) -> Settings:
    """Give settings that lead to the scripted service."""
    service.will(says(200, DONE), says(200, b"PNG"), says(200, DONE))
    return Settings(url=service.base, key="the servers own")


def test_the_callers_key_is_shown_to_the_service_and_no_other(
    service: Script, settings: Settings
) -> None:
    with door(settings) as client:
        get_job(client, **KEY)
        get_job(client, **{"X-API-Key": "theirs"})
        get_job(client)

    shown = [each.headers.get("authorization") for each in service.seen if "/jobs" in each.path]
    assert shown == ["Bearer mine", "Bearer theirs", None]


def test_old_clients_get_no_link_of_which_they_know_nothing(settings: Settings) -> None:
    with door(settings) as client:
        old = result_of(get_job(client))
        new = result_of(get_job(client, **{"MCP-Protocol-Version": "2025-06-18"}))

    assert [each["type"] for each in old["content"]] == ["text", "text", "image"]
    assert new["content"][-1]["type"] == "resource_link"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:5601"}, 421),
        ({"Host": "127.0.0.1.evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "http://localhost:3000"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
        ({"X-Forwarded-For": "203.0.113.9"}, 403),
        ({"X-Forwarded-Proto": "https"}, 403),
        ({"Via": "1.1 proxy"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Host": "[::1]:5601"}, 200),
    ],
)
def test_on_loopback_only_this_machines_own_programs_come_in(
    service: Script, settings: Settings, headers: dict[str, str], status: int
) -> None:
    with door(settings) as client:
        assert get_job(client, **headers).status_code == status

    assert bool(service.seen) == (status == 200)


def test_a_server_with_a_name_wants_a_key_from_everybody(settings: Settings) -> None:
    named = Settings(url=settings.url, allowed_hosts=("images.example",))

    with door(named) as client:
        nobody = get_job(client, Host="images.example")
        elsewhere = get_job(client, Host="evil.example", **KEY)
        somebody = get_job(client, Host="images.example", **{"X-Forwarded-For": "1.2.3.4"}, **KEY)

    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Bearer")
    assert nobody.json()["error"].startswith("Show a client key")
    assert elsewhere.status_code == 421
    assert somebody.status_code == 200


def test_a_key_that_is_no_key_is_refused(service: Script, settings: Settings) -> None:
    with door(settings) as client:
        answer = get_job(client, Authorization="Bearer a\tb")

    assert "one line of plain characters" in result_of(answer)["content"][0]["text"]
    assert service.seen == []


def test_whether_it_is_alive_is_told_to_everybody(settings: Settings) -> None:
    with door(Settings(url=settings.url, allowed_hosts=("images.example",))) as client:
        assert client.get("/healthz").text == "alive\n"


def test_a_large_body_is_refused(settings: Settings) -> None:
    with door(settings) as client:
        answer = client.post("/mcp", content=b"0" * (5 << 20), headers=HEADERS)

    assert answer.status_code in {400, 413}


def test_more_than_loopback_needs_names() -> None:
    with pytest.raises(SettingsFault, match=r"To listen on 0\.0\.0\.0.*MCP_ALLOWED_HOSTS"):
        Address.of("0.0.0.0:5601", Settings())

    named = Address.of("0.0.0.0:5601", Settings(allowed_hosts=("a.example",)))
    container = Address.of("0.0.0.0:5601", Settings(published_on_loopback=True))
    assert (named.behind_loopback, container.behind_loopback) == (False, True)
    assert Address.of("[::1]:80", Settings()) == Address("::1", 80, behind_loopback=True)


@pytest.mark.parametrize("text", ["5601", ":5601", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsFault, match=r"--http must be like 127\.0\.0\.1:5601"):
        Address.of(text, Settings())
