"""What is outside of this service: name servers, and servers that do their worst."""

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from shared.errors import OutboundFault
from tests.worker.provider_server import Answer, ProviderServer

PUBLIC = "93.184.216.34"
# Made for this: it is good for pictures.test and for a hundred years.
CERTIFICATE = Path(__file__).parent / "pictures.test.pem"


def refused(reason: str) -> Any:
    """Expect a fault that tells exactly this reason."""
    return pytest.raises(OutboundFault, match=f"^{re.escape(reason)}$")


class Names:
    """A name server that gives its answers in turn, the last one for ever, and counts."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[str]:
        """Give the next answer."""
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


def endless(first: bytes, seen: list[int]) -> Answer:
    """Answer with zeros until nobody takes them any more, and note how many were sent."""

    def answer(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(first)
        try:
            while not over.is_set() and sum(seen) < 200_000_000:
                seen.append(connection.send(bytes(100_000)))
        except OSError:
            seen.append(0)

    return answer


@contextmanager
def secured(server: ProviderServer, names: list[str | None]) -> Iterator[str]:
    """Put TLS before a server, with a certificate for pictures.test; note the names asked for."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    context.sni_callback = lambda _, name, __: names.append(name)
    plain = server.socket
    server.socket = context.wrap_socket(plain, server_side=True)
    yield f"https://pictures.test:{server.server_address[1]}/"


@contextmanager
def blind(answer: Answer) -> Iterator[int]:
    """Run a server that answers without reading; give its port."""
    over = threading.Event()

    def serve(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            try:
                answer(connection, over)
                over.wait(10)
            except OSError:
                over.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=[server], daemon=True)
        thread.start()
        yield server.getsockname()[1]
        over.set()
        thread.join(10)
