"""The tools for assistants before an API with client keys: each caller is who the key says."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.testclient import TestClient
from werkzeug.serving import make_server

from client.mcp.door import Address, build_app
from client.mcp.settings import Settings
from tests.api.callers import Api
from tests.api.conftest import Start
from tests.client.mcp.test_door import call, result_of

KEYS = "alice:alice-has-this-key,bob:bob-has-that-key"


@contextmanager
def served(api: Api) -> Iterator[str]:
    """Serve an API on a loopback port."""
    server = make_server("127.0.0.1", 0, api.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def door(start: Start) -> Iterator[TestClient]:
    """Give a client of the tools' server before an API with keys."""

    with served(start(client_keys=KEYS)) as url:
        settings = Settings(url=url)
        app = build_app(settings, Address.of("127.0.0.1:5601", settings))
        with TestClient(app, base_url="http://127.0.0.1:5601") as client:
            yield client


def as_(door: TestClient, key: str | None, name: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool with somebody's key."""
    shown = {"Authorization": f"Bearer {key}"} if key else {}
    return result_of(call(door, name, arguments, **shown))


def test_an_order_is_the_key_holders_and_nobody_elses(door: TestClient) -> None:
    made = as_(door, "alice-has-this-key", "generate_image", prompt="A fox", wait_seconds=0)
    job_id = made["structuredContent"]["job_id"]

    hers = as_(door, "alice-has-this-key", "list_jobs")
    his = as_(door, "bob-has-that-key", "list_jobs")
    peeked = as_(door, "bob-has-that-key", "get_job", job_id=job_id, wait_seconds=0)

    assert [each["job_id"] for each in hers["structuredContent"]["jobs"]] == [job_id]
    assert his["structuredContent"]["jobs"] == []
    assert peeked["isError"]
    assert (
        job_id in as_(door, "alice-has-this-key", "cancel_job", job_id=job_id)["content"][1]["text"]
    )


@pytest.mark.parametrize("key", [None, "a-key-of-nobody"])
def test_without_a_right_key_the_tool_says_what_is_missing(
    door: TestClient, key: str | None
) -> None:
    refused = as_(door, key, "generate_image", prompt="A fox")

    assert refused["isError"]
    assert "client key" in refused["content"][0]["text"]
    assert "unauthorized" in refused["content"][0]["text"]
