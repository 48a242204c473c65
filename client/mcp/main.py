"""From the command line to a running server; what is set wrong ends in a sentence, not in a trace."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence

import anyio
from mcp.server.stdio import stdio_server

from client.client import Client
from client.mcp.door import PATH, Address, serve
from client.mcp.server import build_server
from client.mcp.settings import Settings, SettingsFault

log = logging.getLogger(__name__)
_USAGE = 2
_ABOUT = """The image service as tools of an assistant (Model Context Protocol).

IMAGE_API_URL is the service (http://127.0.0.1:5000), IMAGE_API_KEY the client key of --stdio.
MCP_WAIT_SECONDS (50), MCP_INLINE_BYTES (700000), MCP_LINKS_URL, IMAGE_API_HOST, MCP_ALLOWED_HOSTS and
PUBLISHED_ON_LOOPBACK: see docs/mcp.md."""


def main(arguments: Sequence[str]) -> int:
    """Run until the client hangs up, or a signal comes; return the exit code."""
    options = _parser().parse_args(arguments)
    # stdout is the wire
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(message)s"
    )
    try:
        settings = Settings.of(os.environ)
        if options.http:
            _serve_http(settings, options.http)
            return 0
    except SettingsFault as wrong:
        sys.stderr.write(f"{wrong}\n")
        return _USAGE
    except KeyboardInterrupt:
        return 0  # Ctrl-C is how it is meant to end
    anyio.run(_serve_stdio, settings)
    sys.stdout.flush()
    # Threads that still wait for a job have nobody to answer, and would hold the end up for a minute.
    os._exit(0)


def _serve_http(settings: Settings, text: str) -> None:
    if settings.key:
        raise SettingsFault(
            "IMAGE_API_KEY is for --stdio: over HTTP each caller pays with a key of its own"
        )
    address = Address.of(text, settings)
    sys.stderr.write(f"The tools are at http://{text}{PATH}, the service at {settings.url}\n")
    serve(settings, address)


async def _serve_stdio(settings: Settings) -> None:
    with Client(settings.url, settings.key) as client:
        if client.shows_key_in_the_clear:
            log.warning("Anybody between here and %s can read the key: use https", settings.url)
    server = build_server(settings, local_files=True)
    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m client.mcp",
        description=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--stdio", action="store_true", help="for a client that starts this program")
    way.add_argument("--http", metavar="HOST:PORT", help="for clients that come over the network")
    return parser
