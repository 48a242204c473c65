"""The server of the tools: the protocol on one side, plain calls on the other."""

import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server import Server, ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from mcp_types.version import is_version_at_least

from client.client import Client
from client.errors import ClientError
from client.mcp.answers import refused, unsure
from client.mcp.calls import TOOLS, Call, run
from client.mcp.following import Tell, Work, followed
from client.mcp.settings import Settings
from client.mcp.tools import INSTRUCTIONS, build_tools

log = logging.getLogger(__name__)
Context = ServerRequestContext[Any]
# Trouble is sat out for so long (s), within what the call may take: a service that restarts.
_PATIENCE_SECONDS = 20.0
# For the answer and the image, beyond what the call waits; together still within a minute.
_GRACE_SECONDS = 8.0
_CALLS_AT_ONCE = 200
# What the service takes changes with its releases only.
_DOCUMENT_SECONDS = 300.0
_LINKS_SINCE = "2025-06-18"


class Tools:
    """The tools of one service; over HTTP each caller shows a client key of its own."""

    def __init__(self, settings: Settings, *, local_files: bool) -> None:
        self._settings, self._local_files = settings, local_files
        self._document: Mapping[str, Any] = {}
        self._read_at = float("-inf")
        self._limiter = anyio.CapacityLimiter(_CALLS_AT_ONCE)

    async def list(self, _: Context, __: PaginatedRequestParams | None) -> ListToolsResult:
        """Answer `tools/list`."""
        if time.monotonic() - self._read_at > _DOCUMENT_SECONDS:
            await anyio.to_thread.run_sync(self._read_document)
        wait = self._settings.wait_seconds
        return ListToolsResult(
            tools=build_tools(self._document, wait, local_files=self._local_files)
        )

    async def call(self, context: Context, params: CallToolRequestParams) -> CallToolResult:
        """Answer `tools/call`."""
        if params.name not in TOOLS:
            raise MCPError(INVALID_PARAMS, f"There is no tool {params.name}")
        if self._limiter.available_tokens < 1:
            return refused("Too many calls are waiting here: try again in a minute.")
        key = secrets.token_hex(16)
        arguments = dict(params.arguments or {})

        try:
            client = self._client(context)
        except ValueError as wrong:
            return refused(f"{wrong}.")

        def work(tell: Tell) -> CallToolResult:
            with client:
                call = Call(
                    client=client,
                    settings=self._settings,
                    arguments=arguments,
                    tell=tell,
                    local_files=self._local_files,
                    links=is_version_at_least(context.protocol_version, _LINKS_SINCE),
                    key=key,
                )
                return run(params.name, call)

        return await self._within_limits(context, work, params.name, arguments, key)

    async def _within_limits(
        self, context: Context, work: Work, name: str, arguments: dict[str, Any], key: str
    ) -> CallToolResult:
        seconds = self._settings.wait_seconds + _GRACE_SECONDS
        try:
            result = await followed(work, context.session.report_progress, seconds, self._limiter)
        except Exception:
            log.exception("A tool failed")
            return refused("The tools' server failed; its log tells why.")
        if result:
            return result
        orders = name in ("generate_image", "upscale_image")
        advice = unsure(str(arguments.get("idempotency_key") or key)) if orders else "Try again."
        return refused(f"The service did not answer in time. {advice}")

    def _client(self, context: Context) -> Client:
        key = _key_of(context, self._settings)
        url, host = self._settings.url, self._settings.host
        return Client(url, key, patience=_PATIENCE_SECONDS, host=host)

    def _read_document(self) -> None:
        try:
            with Client(self._settings.url, patience=0, host=self._settings.host) as client:
                self._document = client.describe()
            self._read_at = time.monotonic()
        except ClientError as error:
            log.warning("%s: the tools are listed without their fields", error.message)


def build_server(settings: Settings, *, local_files: bool, version: str = "0.1.0") -> Server[Any]:
    """Return a server that is not connected yet."""
    tools = Tools(settings, local_files=local_files)
    return Server(
        "stability-ai-image-api",
        version=version,
        title="Stability AI Image API",
        instructions=INSTRUCTIONS,
        on_list_tools=tools.list,
        on_call_tool=tools.call,
    )


def _key_of(context: Context, settings: Settings) -> str | None:
    """Return the client key that a call is paid with: over HTTP only what the caller shows."""
    if context.request is None:
        return settings.key
    return shown_key(context.request.headers)


def shown_key(headers: Mapping[str, str]) -> str | None:
    """Return the client key of a request's headers."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers.get("x-api-key") or None
