"""docs/mcp.md: what it says to paste starts the tools, and it tells of every tool and setting."""

import asyncio
import json
import re
import sys
from typing import Any

from mcp import Client, StdioServerParameters

from client.mcp.tools import build_tools
from tests.e2e.stack import ROOT, Stack

DOCUMENT = (ROOT / "docs" / "mcp.md").read_text()
SNIPPETS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", DOCUMENT, re.DOTALL)]
SERVERS: list[dict[str, Any]] = [
    (each.get("mcpServers") or each["servers"])["images"] for each in SNIPPETS
]
_FOLDER = "/path/to/this/folder"


def test_what_an_assistant_is_told_to_start_lists_the_tools(stack: Stack) -> None:
    started = [each for each in SERVERS if "command" in each]
    assert len(started) == 2
    assert started[0]["args"] == started[1]["args"]
    assert started[0]["env"].keys() == started[1]["env"].keys()
    told = started[0]
    assert told["command"] == f"{_FOLDER}/.venv/bin/python"
    environment = {name: value.replace(_FOLDER, str(ROOT)) for name, value in told["env"].items()}

    async def names() -> list[str]:
        server = StdioServerParameters(
            command=sys.executable,
            args=told["args"],
            env={**environment, "IMAGE_API_URL": stack.base},
        )
        async with Client(server) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    assert asyncio.run(names())[:2] == ["generate_image", "upscale_image"]


def test_what_is_pasted_for_a_server_elsewhere_shows_the_key() -> None:
    remote = [each for each in SERVERS if "url" in each]

    assert len(remote) == 2
    for each in remote:
        assert each["url"].endswith("/mcp")
        assert each["headers"]["Authorization"].startswith("Bearer ")


def test_every_tool_and_setting_is_told_of() -> None:
    source = (ROOT / "client" / "mcp" / "settings.py").read_text()
    settings = set(re.findall(r'"((?:MCP|IMAGE|PUBLISHED)_[A-Z_]+)"', source))

    about = (ROOT / "client" / "mcp" / "main.py").read_text().split('"""')[3]

    assert len(settings) == 8
    assert [name for name in settings if name not in about] == []
    for name in [*settings, *(tool.name for tool in build_tools({}, 50, local_files=True))]:
        assert f"`{name}`" in DOCUMENT
