"""A provider of a test's own: a real server in a thread that answers as it is told, or fails to."""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser
from itertools import takewhile
from typing import Any

Answer = Callable[[socket.socket, threading.Event], None]
OK = {"Content-Type": "image/png", "finish-reason": "SUCCESS", "seed": "7", "x-request-id": "q1"}


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came: its first line, its headers, its parts by name with their file names."""

    line: str
    headers: Message
    parts: dict[str, tuple[str | None, bytes]]
    body: bytes


class ProviderServer(socketserver.ThreadingTCPServer):
    """Give every request the same answer, and remember it."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.received: list[Received] = []
        # seconds until it reads a request
        self.begins_after = 0.0
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


def agree() -> None:
    """Be the check of a call that may be sent."""


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        with suppress(OSError):
            server.over.wait(server.begins_after)
            # a caller may connect, and then not send: what ends does so with an empty line for ever
            if line := self.rfile.readline():
                server.received.append(self._read(line.decode().strip()))
                server.answer(self.connection, server.over)

    def _read(self, line: str) -> Received:
        raw = b"".join(takewhile(b"\r\n".__ne__, self.rfile))
        headers = BytesParser().parsebytes(raw + b"\r\n")
        body = self.rfile.read(int(headers["Content-Length"] or 0))
        form = BytesParser().parsebytes(raw + b"\r\n" + body)
        parts = form.get_payload() if form.is_multipart() else []
        named = {
            str(part.get_param("name", header="content-disposition")): (
                part.get_filename(),
                part.get_payload(decode=True),
            )
            for part in parts
            if isinstance(part, Message)
        }
        return Received(line, headers, named, body)  # type: ignore[arg-type]  # decode=True gives bytes


@contextmanager
def provider(answer: Answer) -> Iterator[ProviderServer]:
    """Run a provider that gives this answer."""
    with ProviderServer(answer) as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()


def head(status: int, headers: dict[str, str]) -> bytes:
    """Return the first lines of an answer."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Status\r\n{lines}\r\n".encode()


def says(
    status: int, body: bytes, headers: Mapping[str, str] | None = None, claimed: int | None = None
) -> Answer:
    """Answer with a body, of which the headers may claim another length."""
    length = {"Content-Length": str(len(body) if claimed is None else claimed)}
    common = OK if status == 200 else {"Content-Type": "application/json"}

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(head(status, {**common, **length, **(headers or {})}) + body)

    return answer


def raw(data: bytes) -> Answer:
    """Answer with bytes as they are."""
    return lambda connection, _: connection.sendall(data)


def never(connection: socket.socket, over: threading.Event) -> None:
    """Say nothing."""
    over.wait(10)


def resets(connection: socket.socket, over: threading.Event) -> None:
    """Break the connection off, without a good-bye."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def drips(first: bytes, drop: bytes, pause: float = 0.05) -> Answer:
    """Answer drop by drop, for longer than anybody should listen."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        end = time.monotonic() + 20
        while not over.wait(pause) and time.monotonic() < end:
            connection.sendall(drop)

    return answer
