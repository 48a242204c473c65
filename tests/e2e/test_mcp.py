"""The tools for assistants, by the protocol's own client, on both ways, against the running service."""

import asyncio
import base64
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult

from shared.embedded_redis import free_port
from shared.image_file import inspect
from tests.e2e.stack import ROOT, Stack, eventually

T = TypeVar("T")
EXAMPLE = ROOT / "docs" / "example.png"
Progress = list[tuple[float, float | None, str | None]]


@pytest.fixture(scope="module")
def tools(_shared_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server of the tools for the shared stack."""
    port, log = free_port(), tmp_path_factory.mktemp("mcp") / "log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "client.mcp", "--http", f"127.0.0.1:{port}"],
            cwd=ROOT,
            env=_environment(_shared_stack),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually(lambda: _alive(port), 60, "the tools' server")
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        server.terminate()
        server.wait(timeout=20)
    assert "Traceback" not in log.read_text()


def _alive(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/healthz", timeout=2).is_success
    except httpx2.HTTPError:
        return False


def _environment(stack: Stack, **more: str) -> dict[str, str]:
    path = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    return {**path, "IMAGE_API_URL": stack.base, "MCP_WAIT_SECONDS": "30", **more}


def stdio(stack: Stack, **more: str) -> StdioServerParameters:
    """Return how a client starts the tools' server by itself."""
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "client.mcp", "--stdio"],
        env=_environment(stack, **more),
    )


def connected(server: Any, use: Callable[[Client], Awaitable[T]], mode: str = "auto") -> T:
    """Run something with a connected client."""

    async def run() -> T:
        async with Client(server, mode=mode) as client:
            return await use(client)

    return asyncio.run(asyncio.wait_for(run(), 90))


def image_of(result: CallToolResult) -> bytes:
    """Return the image of an answer; fail when it is not whole."""
    assert not result.is_error, result.content
    data = [base64.b64decode(each.data) for each in result.content if each.type == "image"]
    facts = inspect(data[0])
    told = result.structured_content["image"]
    assert (facts.format, facts.width, facts.height) == (
        told["format"],
        told["width"],
        told["height"],
    )
    return data[0]


async def _all_tools(client: Client, **enlarge: str) -> Progress:
    """Use every tool, as an assistant would; return the progress of making an image."""
    steps: Progress = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, total, message))

    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert "ultra" in listed["generate_image"].input_schema["properties"]["model"]["enum"]
    fields = {"prompt": "A heron for assistants", "output_format": "png"}
    made = await client.call_tool("generate_image", fields, progress_callback=note)
    image_of(made)
    job_id = made.structured_content["job_id"]

    again = await client.call_tool("get_job", {"job_id": job_id, "return": "link"})
    assert again.structured_content == made.structured_content
    assert [each.type for each in again.content] == ["text", "text", "resource_link"]
    jobs = await client.call_tool("list_jobs", {"limit": 1, "kind": "generate"})
    assert jobs.structured_content["jobs"][0]["job_id"] == job_id
    larger = await client.call_tool("upscale_image", enlarge)
    image_of(larger)
    # it was found by its address, and its size is all that is wrong with it
    address = {"image_url": larger.structured_content["image_url"]}
    largest = await client.call_tool("upscale_image", address)
    assert "should not exceed 512x512" in str(largest.content)
    late = await client.call_tool("cancel_job", {"job_id": job_id})
    assert late.is_error
    refused = await client.call_tool("generate_image", {"prompt": "x [sandbox:moderated]"})
    assert refused.is_error
    assert "Do not send this prompt again" in str(refused.content[0])
    wrong = await client.call_tool("generate_image", {"prompt": "x", "aspect_ratio": "4:3"})
    assert "aspect_ratio must be one of" in str(wrong.content[0])
    return steps


def _grows(steps: Progress) -> None:
    passed = [progress for progress, _, _ in steps]
    assert passed == sorted(set(passed))
    assert steps[-1][2] == "The image is ready."
    assert any("waiting" in str(words) or "being made" in str(words) for _, _, words in steps)


def test_every_tool_works_by_standard_input_and_output(stack: Stack) -> None:
    stack.sandbox_settings(latency=0.5)

    steps = connected(stdio(stack), lambda client: _all_tools(client, image_path=str(EXAMPLE)))

    _grows(steps)
    assert len(stack.charged("A heron for assistants")) == 1


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_every_tool_works_over_http(stack: Stack, tools: str, mode: str) -> None:
    stack.sandbox_settings(latency=0.5)
    data = "data:image/png;base64," + base64.b64encode(EXAMPLE.read_bytes()).decode()

    steps = connected(tools, lambda client: _all_tools(client, image_url=data), mode)

    _grows(steps)


def test_a_job_that_takes_longer_is_taken_up_by_get_job(stack: Stack, tools: str) -> None:
    stack.sandbox_settings(latency=2)

    async def use(client: Client) -> tuple[CallToolResult, CallToolResult]:
        fields = {"prompt": "A slow heron", "wait_seconds": 0.3}
        first = await client.call_tool("generate_image", fields)
        return first, await client.call_tool(
            "get_job", {"job_id": first.structured_content["job_id"]}
        )

    first, second = connected(tools, use)

    assert "call get_job" in str(first.content[0])
    image_of(second)
    assert len(stack.charged("A slow heron")) == 1


@pytest.mark.parametrize("way", ["stdio", "http"])
def test_a_call_that_is_given_up_leaves_its_job_to_be_fetched(
    stack: Stack, tools: str, way: str
) -> None:
    stack.sandbox_settings(latency=2)
    prompt = f"A heron nobody waits for, {way}"

    async def use(client: Client) -> CallToolResult:
        begun = asyncio.Event()

        async def note(progress: float, total: float | None, message: str | None) -> None:
            begun.set()

        call = asyncio.create_task(
            client.call_tool("generate_image", {"prompt": prompt}, progress_callback=note)
        )
        await begun.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        found = await client.call_tool("list_jobs", {"limit": 1})
        job_id = found.structured_content["jobs"][0]["job_id"]
        return await client.call_tool("get_job", {"job_id": job_id})

    result = connected(stdio(stack) if way == "stdio" else tools, use)

    image_of(result)
    assert len(stack.charged(prompt)) == 1


def test_a_restart_of_the_service_in_the_middle_is_not_noticed(stack: Stack, tools: str) -> None:
    stack.sandbox_settings(latency=3)

    async def use(client: Client) -> CallToolResult:
        killed = asyncio.Event()

        async def kill(progress: float, total: float | None, message: str | None) -> None:
            if not killed.is_set():
                killed.set()
                stack.kill("api")

        return await client.call_tool(
            "generate_image", {"prompt": "A restarted heron"}, progress_callback=kill
        )

    result = connected(tools, use)

    image_of(result)
    assert len(stack.charged("A restarted heron")) == 1


def test_it_ends_with_its_client_though_a_job_is_waited_for(stack: Stack) -> None:
    stack.sandbox_settings(latency=5)
    server = subprocess.Popen(
        [sys.executable, "-m", "client.mcp", "--stdio"],
        env=_environment(stack),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert server.stdin
    hello = (
        '{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}'
    )
    call = '{"name":"generate_image","arguments":{"prompt":"A heron left alone"}}'
    server.stdin.write(
        f'{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{hello}}}\n'
        '{"jsonrpc":"2.0","method":"notifications/initialized"}\n'
        f'{{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{call}}}\n'.encode()
    )
    server.stdin.flush()
    eventually(lambda: _latest_prompt(stack) == "A heron left alone", 30, "the order")

    server.stdin.close()

    assert server.wait(timeout=4) == 0
    assert server.stdout
    server.stdout.close()


def _latest_prompt(stack: Stack) -> str:
    jobs = stack.get("/jobs?limit=1").json()["jobs"]
    return str(jobs[0]["request"].get("prompt")) if jobs else ""
