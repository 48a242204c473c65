"""A running API to send bytes to, and requests that two servers could read differently."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from shared.embedded_redis import free_port
from tests.builders import until

ROOT = Path(__file__).parent.parent.parent
HOST = "Host: localhost\r\n"
JSON = f"{HOST}Content-Type: application/json\r\n"
BODY = '{"prompt": "a fox"}'
CHUNKED = "Transfer-Encoding: chunked\r\n"
LENGTH = f"Content-Length: {len(BODY)}\r\n"


@dataclass(frozen=True, slots=True)
class Server:
    """A running API: one process, which cuts a head off after 1 s and a body after some more."""

    port: int
    log: Path
    images: Path

    def connect(self) -> socket.socket:
        """Return a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def answers(self, sent: str | bytes) -> list[tuple[int, dict[str, str], bytes]]:
        """Return all that is answered, until the server ends the connection."""
        with self.connect() as peer:
            peer.sendall(sent.encode("latin-1") if isinstance(sent, str) else sent)
            return parsed(received(peer))

    def answer(self, sent: str | bytes) -> tuple[int, dict[str, str], bytes]:
        """Return the one answer, after which the server ends the connection."""
        (only,) = self.answers(sent)
        return only

    def is_well(self) -> bool:
        """Tell whether another caller is served."""
        return self.answer(f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")[0] == 200


def received(peer: socket.socket) -> bytes:
    """Return what comes until the other end closes, which it must not do by a reset."""
    return b"".join(iter(lambda: peer.recv(65_536), b""))


def parsed(data: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Return the answers in what was received."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        length = int(headers["Content-Length"])
        found.append((int(lines[0].split()[1]), headers, rest[:length]))
        data = rest[length:]
    return found


@contextmanager
def running_api(redis_url: str, folder: Path) -> Iterator[Server]:
    """Give a running API."""
    server = Server(free_port(), folder / "log", folder / "images")
    environment = {
        **os.environ,
        "REDIS_URL": redis_url,
        "PORT": str(server.port),
        "STORAGE_URL": str(server.images),
        "WEB_PROCESSES": "1",
        "LOG_FORMAT": "json",
        "API_KEY": "",
    }
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.impatient"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        until(lambda: listens(server), 30)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)


def listens(server: Server) -> bool:
    """Tell whether the server takes connections."""
    with socket.socket() as peer:
        return peer.connect_ex(("127.0.0.1", server.port)) == 0


@contextmanager
def flooding(server: Server, head: bytes, piece: bytes) -> Iterator[None]:
    """Send a head, and then pieces as fast as they are taken; begin anew when that is ended."""
    sent, over = threading.Event(), threading.Event()

    def flood() -> None:
        while not over.is_set():
            with server.connect() as peer:
                reader = threading.Thread(target=read_all, args=[peer], daemon=True)
                reader.start()
                with suppress(OSError):
                    peer.sendall(head)
                    while not over.is_set():
                        peer.sendall(piece)
                        sent.set()
                with suppress(OSError):  # closing alone would leave the reader waiting
                    peer.shutdown(socket.SHUT_RDWR)
                reader.join()

    thread = threading.Thread(target=flood)
    thread.start()
    assert sent.wait(10)
    try:
        yield
    finally:
        over.set()
        thread.join()


def read_all(peer: socket.socket) -> None:
    """Read until the connection has ended, however it does."""
    with suppress(OSError):
        received(peer)


def post(*headers: str, body: str = BODY) -> str:
    """Return a request for an image; a second one stands behind it, as a smuggler would have it."""
    hidden = f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
    return f"POST /generate_image HTTP/1.1\r\n{JSON}{''.join(headers)}\r\n{body}{hidden}"


WHOLE_CHUNK = f"{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"


UNREADABLE = [
    post(LENGTH, CHUNKED),
    post(CHUNKED, LENGTH, body="0\r\n\r\n"),
    post(LENGTH, LENGTH),
    post(LENGTH, "Content-Length: 0\r\n"),
    post("Content-Length: 19, 19\r\n"),
    post("Content-Length: +19\r\n"),
    post("Content-Length: 0x13\r\n"),
    post("Content-Length: -1\r\n"),
    post("Content-Length: \u00b9\u00b9\r\n"),
    post("Content-Length : 19\r\n"),
    post("Transfer-Encoding : chunked\r\n", body=WHOLE_CHUNK),
    post("Transfer-Encoding: xchunked\r\n", body=WHOLE_CHUNK),
    post("Transfer-Encoding: chunked, identity\r\n", body=WHOLE_CHUNK),
    post("Transfer-Encoding: identity\r\n", body=WHOLE_CHUNK),
    post(CHUNKED, CHUNKED, body=WHOLE_CHUNK),
    post("Transfer-Encoding:\x0bchunked\r\n", body=WHOLE_CHUNK),
    post("Transfer-Encoding:\r\n chunked\r\n", body=WHOLE_CHUNK),
    post(CHUNKED, body=WHOLE_CHUNK).replace("HTTP/1.1", "HTTP/1.0", 1),
    post("X-Folded: one\r\n two\r\n", LENGTH),
    post("X-Folded: one\r\n\ttwo\r\n", LENGTH),
    post(" X-First: folded\r\n", LENGTH),
    post("X-Bare: one\nContent-Length: 0\r\n", LENGTH),
    post("X-Nul: a\x00b\r\n", LENGTH),
    post("X-Return: a\rb\r\n", LENGTH),
    post(": nameless\r\n", LENGTH),
    post("no colon\r\n", LENGTH),
    post("X(Y): name\r\n", LENGTH),
    post("Host: evil.example\r\n", LENGTH),
    post(LENGTH).replace(HOST, ""),
    f"GET http://evil.example/healthz HTTP/1.1\r\n{HOST}\r\n",
    f"GET http://evil.example?x HTTP/1.1\r\n{HOST}\r\n",
    f"GET http://localhost@evil.example/healthz HTTP/1.1\r\n{HOST}\r\n",
    "GET /healthz HTTP/1.1\nHost: localhost\n\n",
    f"GET /healthz HTTP/1.1\n{HOST}\r\n",
    f"GET  /healthz HTTP/1.1\r\n{HOST}\r\n",
    f"GET /healthz  HTTP/1.1\r\n{HOST}\r\n",
    f"GET /healthz HTTP/2.0\r\n{HOST}\r\n",
    f"GET /healthz HTTP/1.1 \r\n{HOST}\r\n",
    f"GET /heal\x00thz HTTP/1.1\r\n{HOST}\r\n",
    f"GET healthz HTTP/1.1\r\n{HOST}\r\n",
    f"get /healthz HTTP/1.1\r\n{HOST}\r\n",
    f"GET /healthz\r\n{HOST}\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    post(CHUNKED, body=f"{len(BODY):x};name=value\r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x};\r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x}\r\n{BODY}\r\n0;last=1\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x}\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"+{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"0x{len(BODY):x}\r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x} \r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x}\r\n{BODY}XX0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY) - 1:x}\r\n{BODY}\r\n0\r\n\r\n"),
    post(CHUNKED, body=f"{len(BODY):x}\r\n{BODY}\r\n0\r\nHost: evil\r\n\r\n"),
    post(CHUNKED, body="\r\n"),
]
