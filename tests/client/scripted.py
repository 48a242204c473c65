"""A service that answers as a test says, on a real socket, and remembers what it was asked."""

import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[["Handler"], None]


@dataclass(frozen=True)
class Seen:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Script:
    """Answers in turn; the last one is given for ever. `standing`: by path, outside the turn."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.answers: deque[Answer] = deque()
        self.standing: dict[str, Answer] = {}
        self.seen: list[Seen] = []

    def will(self, *answers: Answer) -> None:
        """Put answers behind those that wait."""
        self.answers.extend(answers)


class Handler(BaseHTTPRequestHandler):
    """Give the next answer."""

    protocol_version = "HTTP/1.1"
    script: Script

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(size)
        if standing := self.script.standing.get(self.path):
            standing(self)
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.script.seen.append(Seen(self.command, self.path, headers, body))
        answers = self.script.answers
        (answers.popleft() if len(answers) > 1 else answers[0])(self)

    do_GET = do_POST = do_DELETE = _answer  # noqa: N815 - the names that the base class calls

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def says(status: int, body: object, **headers: str) -> Answer:
    """Return an answer: an object as JSON, bytes as they are; `Retry_After` is Retry-After."""

    def answer(handler: Handler) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(data)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def breaks(after: bytes = b"") -> Answer:
    """Return an answer that ends with its connection, after some bytes."""

    def answer(handler: Handler) -> None:
        handler.wfile.write(after)
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    return answer


def streams(*jobs: dict[str, Any], kind: str = "text/event-stream") -> Answer:
    """Return a stream of these jobs' events, which then ends."""

    def answer(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(b"retry: 2000\n\n: still here\n\n")
        for job in jobs:
            text = f"id: {job['revision']}\nevent: status\ndata: {json.dumps(job)}\n\n"
            handler.wfile.write(text.encode())
        handler.close_connection = True

    return answer


def told(status: str, revision: int = 1, **more: Any) -> dict[str, Any]:
    """Return a job as the service tells of it."""
    return {"job_id": "j1", "status": status, "revision": revision, "message": "", **more}


class _Server(ThreadingHTTPServer):
    """Hang up at the end: a client may keep its connection, and a thread would wait at it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self._callers: list[socket.socket] = []

    def process_request(self, request: Any, client_address: Any) -> None:
        self._callers.append(request)
        super().process_request(request, client_address)

    def server_close(self) -> None:
        super().server_close()
        for caller in self._callers:
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)


@contextmanager
def scripted() -> Iterator[Script]:
    """Run a service that does as it is told."""
    server = _Server()
    script = Script(f"http://127.0.0.1:{server.server_port}")
    server.RequestHandlerClass = type("Bound", (Handler,), {"script": script})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
