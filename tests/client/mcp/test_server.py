"""The tools, called by the protocol's own client, against a service that answers as a test says."""

import asyncio
import base64
import json
import time
from typing import Any

import pytest
from mcp import Client, MCPError

from client.mcp.calls import TOOLS
from tests.client.mcp.conftest import DONE, PNG, QUEUED, Assistant, texts
from tests.client.scripted import Handler, Script, breaks, says, told


def sent(service: Script, number: int = 0) -> dict[str, Any]:
    """Return the JSON that the service was sent."""
    body: dict[str, Any] = json.loads(service.seen[number].body)
    return body


def test_an_image_comes_with_its_job_its_progress_and_a_link(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(202, QUEUED), says(200, QUEUED), says(200, DONE), says(200, PNG))

    result = assistant.call("generate_image", prompt="A fox", seed=7)

    assert not result.is_error
    assert result.structured_content["status"] == "succeeded"
    assert result.structured_content["image_url"] == f"{service.base}/saved_images/a.png"
    image, link = result.content[-2:]
    assert image.type == "image"
    assert (image.mime_type, base64.b64decode(image.data)) == ("image/png", PNG)
    assert link.type == "resource_link"
    assert (link.uri, link.size) == (f"{service.base}/saved_images/a.png", len(PNG))
    assert sent(service) == {"prompt": "A fox", "seed": 7}
    assert service.seen[0].headers["authorization"] == "Bearer s3cret"
    steps = [progress for progress, _, _ in assistant.progress]
    assert steps == sorted(set(steps))
    assert [words for _, _, words in assistant.progress] == ["It is waiting", "The image is ready."]
    assert assistant.progress[-1][0] == assistant.progress[-1][1]


@pytest.mark.parametrize("largest", [len(PNG) - 1, 0])
def test_a_large_image_is_left_out_and_linked(
    service: Script, assistant: Assistant, largest: int
) -> None:
    assistant.set(inline_bytes=largest)
    service.will(says(200, DONE))

    result = assistant.call("get_job", job_id="j1")

    assert [each.type for each in result.content] == ["text", "text", "resource_link"]
    assert "too large" in texts(result)
    assert len(service.seen) == 1


def test_a_link_is_all_that_is_fetched_when_only_that_is_asked_for(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(200, DONE))

    result = assistant.call("get_job", job_id="j1", **{"return": "link"})

    assert [each.type for each in result.content] == ["text", "text", "resource_link"]
    assert "too large" not in texts(result)


def test_an_image_that_can_not_be_fetched_now_is_still_linked(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(200, DONE), says(410, {"error": "The image was deleted"}))

    result = assistant.call("get_job", job_id="j1")

    assert not result.is_error
    assert "The image was deleted" in texts(result)


def test_a_job_that_takes_longer_is_answered_with_what_to_do(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(202, QUEUED))

    result = assistant.call("generate_image", prompt="A fox", wait_seconds=0)

    assert not result.is_error
    assert result.structured_content["job_id"] == "j1"
    assert 'call get_job with job_id "j1"' in texts(result)
    assert len(service.seen) == 1


def test_a_job_is_waited_for_as_long_as_the_setting_says(
    service: Script, assistant: Assistant
) -> None:
    assistant.set(wait_seconds=0.3)
    service.will(says(202, QUEUED))

    result = assistant.call("generate_image", prompt="A fox")

    assert result.structured_content["status"] == "queued"
    assert "could not be asked" not in texts(result)


def test_a_refused_prompt_is_told_so_that_it_is_not_sent_again(
    service: Script, assistant: Assistant
) -> None:
    failed = told(
        "failed", 2, message="Flagged. Nothing was charged.", error_code="input_moderated"
    )
    service.will(says(202, QUEUED), says(200, failed))

    result = assistant.call("generate_image", prompt="A fox")

    assert result.is_error
    assert "Do not send this prompt again" in texts(result)
    assert "Flagged. Nothing was charged." in texts(result)


def test_all_that_is_wrong_with_a_request_is_told(service: Script, assistant: Assistant) -> None:
    errors = [
        {"field": "prompt", "error": "Prompt is required"},
        {"field": "seed", "error": "seed x"},
    ]
    said = {"error": "Prompt is required", "error_code": "invalid_request", "errors": errors}
    service.will(says(400, said))

    result = assistant.call("generate_image")

    assert result.is_error
    assert texts(result) == "Prompt is required. seed x. (invalid_request)"


def test_a_limit_tells_when_to_come_back(service: Script, assistant: Assistant) -> None:
    service.will(says(429, {"error": "The queue is full"}, Retry_After="600"))

    result = assistant.call("generate_image", prompt="A fox")

    assert texts(result) == "The queue is full. Try again in 600 seconds, not before."


def test_each_call_is_an_order_of_its_own(service: Script, assistant: Assistant) -> None:
    service.will(says(202, QUEUED))

    for _ in range(2):
        assistant.call("generate_image", prompt="A fox", wait_seconds=0)

    keys = {seen.headers["idempotency-key"] for seen in service.seen}
    assert len(keys) == 2


def test_an_order_that_nobody_answered_can_be_repeated_under_its_key(
    service: Script, assistant: Assistant
) -> None:
    service.will(says(503, {"error": "Redis is away"}, Retry_After="100"), says(202, QUEUED))

    broken = texts(assistant.call("generate_image", prompt="A fox"))
    key = broken.partition('idempotency_key "')[2].partition('"')[0]
    assistant.call("generate_image", prompt="A fox", idempotency_key=key, wait_seconds=0)

    assert broken.startswith("Redis is away. Whether the order was taken is not known.")
    assert service.seen[0].headers["idempotency-key"] == key
    assert service.seen[1].headers["idempotency-key"] == key


def test_a_service_that_goes_away_while_a_job_is_waited_for_loses_nothing(
    service: Script, assistant: Assistant
) -> None:
    away = says(503, {"error": "Redis is away"}, Retry_After="100")
    service.will(says(202, QUEUED), says(200, QUEUED), away)

    result = assistant.call("generate_image", prompt="A fox")

    assert not result.is_error
    assert "could not be asked any more: Redis is away" in texts(result)
    assert 'call get_job with job_id "j1"' in texts(result)


def test_no_call_is_held_for_ever(
    service: Script, assistant: Assistant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.mcp.server._GRACE_SECONDS", 0.2)
    assistant.set(wait_seconds=0)
    service.will(_hangs)

    result = assistant.call("generate_image", prompt="A fox", idempotency_key="mine")

    assert result.is_error
    assert "did not answer in time" in texts(result)
    assert 'idempotency_key "mine"' in texts(result)


def _hangs(handler: Handler) -> None:
    time.sleep(1)
    breaks()(handler)


def test_giving_a_call_up_does_not_cancel_its_job(service: Script, assistant: Assistant) -> None:
    service.will(says(202, QUEUED), says(200, QUEUED))
    assistant.set(wait_seconds=30)
    assistant.mode = "legacy"

    async def give_up(client: Client) -> None:
        seen = asyncio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            seen.set()

        call = asyncio.create_task(
            client.call_tool("generate_image", {"prompt": "A fox"}, progress_callback=note)
        )
        await asyncio.wait_for(seen.wait(), 10)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        await client.list_tools()

    begun = time.monotonic()
    assistant.connected(give_up)

    assert time.monotonic() - begun < 15
    assert "DELETE" not in {seen.method for seen in service.seen}


def test_a_defect_is_told_without_a_trace(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(TOOLS, "get_job", lambda _: [].pop())

    result = assistant.call("get_job", job_id="j1")

    assert texts(result) == "The tools' server failed; its log tells why."
    assert "Traceback" in caplog.text


def test_an_unknown_tool_is_an_error_of_the_protocol(assistant: Assistant) -> None:
    async def call(client: Client) -> None:
        with pytest.raises(MCPError, match="There is no tool draw"):
            await client.call_tool("draw")

    assistant.connected(call)
