"""An assistant's client, connected in this process to the tools of a scripted service."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from mcp import Client
from mcp_types import CallToolResult, ListToolsResult

from client.mcp.server import build_server
from client.mcp.settings import Settings
from tests.client.scripted import Script, says, told

T = TypeVar("T")
Progress = tuple[float, float | None, str | None]
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
QUEUED = told("queued", 1, message="It is waiting. Ask again.", image_url="/saved_images/a.png")
DONE = told(
    "succeeded",
    2,
    message="The image is ready.",
    kind="generate",
    image_url="/saved_images/a.png",
    image={"format": "png", "width": 64, "height": 64, "bytes": len(PNG), "seed": 1},
)


class Assistant:
    """What an assistant does; each call is a connection of its own."""

    def __init__(self, url: str) -> None:
        self.settings = Settings(url=url, key="s3cret", wait_seconds=3)
        self.local_files = False
        self.mode = "auto"
        self.progress: list[Progress] = []

    def set(self, **changes: Any) -> None:
        """Change settings of the tools' server."""
        self.settings = replace(self.settings, **changes)

    def tools(self) -> ListToolsResult:
        """List the tools."""
        return self.connected(lambda client: client.list_tools())

    def call(self, name: str, /, **arguments: Any) -> CallToolResult:
        """Call a tool, with any names of arguments."""
        return self.connected(
            lambda client: client.call_tool(name, arguments, progress_callback=self._note)
        )

    def connected(self, use: Callable[[Client], Awaitable[T]]) -> T:
        """Run something with a connected client."""

        async def run() -> T:
            server = build_server(self.settings, local_files=self.local_files)
            async with Client(server, mode=self.mode, cache=None) as client:
                return await use(client)

        return asyncio.run(run())

    async def _note(self, progress: float, total: float | None, message: str | None) -> None:
        self.progress.append((progress, total, message))


@pytest.fixture
def assistant(service: Script) -> Assistant:
    """Give an assistant whose tools lead to the scripted service."""
    # the protocol's client lists the tools after a call, to look at its answer
    service.standing["/openapi.json"] = says(200, {})
    return Assistant(service.base)


def texts(result: CallToolResult) -> str:
    """Return all text of an answer."""
    return "\n".join(each.text for each in result.content if each.type == "text")
