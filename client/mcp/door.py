"""The tools over HTTP: who may come in, and from where."""

import json
import socket
from dataclasses import dataclass

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from client.mcp.server import build_server, shown_key
from client.mcp.settings import Settings, SettingsFault

PATH, ALIVE = "/mcp", "/healthz"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Headers by which proxies say for whom they call; besides all that begin with x-forwarded.
_FORWARDED = {"forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip"}
_STOP_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; `behind_loopback`: only this machine's loopback leads there."""

    host: str
    port: int
    behind_loopback: bool

    @classmethod
    def of(cls, text: str, settings: Settings) -> "Address":
        """Return the address of a text like 127.0.0.1:5601; raise SettingsFault."""
        host, _, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit() and int(port) < 65_536):
            raise SettingsFault(f"--http must be like 127.0.0.1:5601, not {text}")
        loopback = host in _LOOPBACK or settings.published_on_loopback
        if not loopback and not settings.allowed_hosts:
            raise SettingsFault(
                f"To listen on {host}, which is more than loopback, set MCP_ALLOWED_HOSTS to the"
                " names by which callers reach this server"
            )
        return cls(host.strip("[]"), int(port), loopback)


def build_app(settings: Settings, address: Address) -> ASGIApp:
    """Return the tools as an ASGI application.

    No session is kept, since a call needs nothing of an earlier one: nobody notices a restart.
    """
    app = build_server(settings, local_files=False).streamable_http_app(
        streamable_http_path=PATH,
        stateless_http=True,
        # a page that is read in a browser has no business here, whatever its name resolves to
        transport_security=TransportSecuritySettings(
            allowed_hosts=_hosts(settings), allowed_origins=[]
        ),
        custom_starlette_routes=[Route(ALIVE, _alive)],
    )
    return Door(app, open_to_all=address.behind_loopback and not settings.allowed_hosts)


def serve(settings: Settings, address: Address) -> None:
    """Serve until SIGINT or SIGTERM; raise SettingsFault when the port is taken."""
    config = uvicorn.Config(
        build_app(settings, address),
        log_level="warning",
        access_log=False,
        # who is in front of this server is not asked: no rule depends on a forwarded address
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((address.host, address.port))
        except OSError as problem:
            where = f"{address.host}:{address.port}"
            raise SettingsFault(f"Can't listen on {where}: {problem.strerror}") from None
        uvicorn.Server(config).run(sockets=[listener])


class Door:
    """Let in who shows a client key; with `open_to_all`, who comes straight from this machine."""

    def __init__(self, app: ASGIApp, *, open_to_all: bool) -> None:
        self._app, self._open = app, open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and scope["path"] != ALIVE:
            refusal = self._refusal(Headers(scope=scope))
            if refusal:
                await _refuse(send, *refusal)
                return
        await self._app(scope, receive, send)

    def _refusal(self, headers: Headers) -> tuple[int, str] | None:
        if not self._open and not shown_key(headers):
            return 401, "Show a client key of the image service: Authorization: Bearer <key>"
        if self._open and any(map(_is_a_proxys, headers)):
            return 403, "Without MCP_ALLOWED_HOSTS this server answers no proxy"
        return None


def _is_a_proxys(header: str) -> bool:
    return header in _FORWARDED or header.startswith("x-forwarded")


def _hosts(settings: Settings) -> list[str]:
    names = (*_LOOPBACK, *settings.allowed_hosts)
    return [each for name in names for each in (name, f"{name}:*")]


async def _refuse(send: Send, status: int, sentence: str) -> None:
    body = json.dumps({"error": sentence}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _alive(_: Request) -> PlainTextResponse:
    return PlainTextResponse("alive\n")
