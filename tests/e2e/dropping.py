"""A proxy that loses answers: the caller sees a connection that breaks, after the work was done."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_PIECE = 65_536


class DroppingProxy:
    """Passes bytes on between callers and a port; `losing` counts the answers still to be lost."""

    def __init__(self, port: int, losing: int) -> None:
        self.losing, self.lost = losing, 0
        self._upstream = port
        self._ends: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Serve callers until closed."""
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[caller], daemon=True).start()

    def close(self) -> None:
        """Take no more callers, and hang up on those there are: some keep their connection."""
        for end in (self._listener, *self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(("127.0.0.1", self._upstream)) as service:
            self._ends += [caller, service]
            asking = threading.Thread(target=self._ask, args=[caller, service], daemon=True)
            asking.start()
            with suppress(OSError):
                while piece := service.recv(_PIECE):
                    if self.losing:
                        self.losing -= 1
                        self.lost += 1
                        break
                    caller.sendall(piece)
            for end in (caller, service):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            asking.join(5)

    def _ask(self, caller: socket.socket, service: socket.socket) -> None:
        with suppress(OSError):
            while piece := caller.recv(_PIECE):
                service.sendall(piece)


@contextmanager
def dropping(port: int, losing: int) -> Iterator[DroppingProxy]:
    """Run a proxy that loses the first answers, for as long as the block lasts."""
    proxy = DroppingProxy(port, losing)
    thread = threading.Thread(target=proxy.run, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(5)
