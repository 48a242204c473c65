"""TLS before a server that speaks none: the embedded one is built without it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Made for this: good for 127.0.0.1 and redis.test, for a hundred years, by an authority of its own.
AUTHORITY = Path(__file__).parent / "redis-authority.pem"
_SERVER = Path(__file__).parent / "redis.test.pem"


@contextmanager
def secured(port: int) -> Iterator[int]:
    """Give a port on which TLS is spoken with the server of another port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(_SERVER)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as door:
        thread = threading.Thread(target=_serve, args=[door, context, port], daemon=True)
        thread.start()
        yield door.getsockname()[1]
        with suppress(OSError):
            door.shutdown(socket.SHUT_RDWR)
    thread.join()


def _serve(door: socket.socket, context: ssl.SSLContext, port: int) -> None:
    while True:
        try:
            caller, _ = door.accept()
        except OSError:
            return
        threading.Thread(target=_carry, args=[caller, context, port], daemon=True).start()


def _carry(caller: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        caller,
        suppress(OSError),
        socket.create_connection(("127.0.0.1", port)) as server,
        context.wrap_socket(caller, server_side=True) as shown,
    ):
        back = threading.Thread(target=_pump, args=[server, shown], daemon=True)
        back.start()
        _pump(shown, server)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    for each in (source, target):
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
