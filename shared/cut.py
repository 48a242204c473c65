"""A connection that ends in time, under whoever uses it.

Time-outs of sockets count from byte to byte: who sends one a second, in a handshake, a header or a body,
is never timed out.
"""

import socket
from contextlib import suppress
from threading import Lock, Timer


class Cut:
    """Shut one connection down after so many seconds; `done` tells that it came to that."""

    def __init__(self) -> None:
        self.done = False
        self._twin: socket.socket | None = None
        self._timer: Timer | None = None
        self._lock = Lock()

    def after(self, seconds: float, connection: socket.socket) -> None:
        """Begin to count."""
        # the connection itself may be gone into another object by then, once TLS is wrapped around it
        self._twin = socket.fromfd(connection.fileno(), connection.family, connection.type)
        self._timer = Timer(max(0.0, seconds), self._cut)
        self._timer.daemon = True
        self._timer.start()

    def off(self) -> None:
        """Let the connection be."""
        if self._timer:
            self._timer.cancel()
        with self._lock:
            if self._twin:
                self._twin.close()
            self._twin = None

    def _cut(self) -> None:
        with self._lock, suppress(OSError):  # the other end may be faster
            if self._twin:
                self._twin.shutdown(socket.SHUT_RDWR)
                self.done = True
