"""A connection that ends in time, whatever the other end does."""

import socket
import time
from collections.abc import Sequence
from threading import Lock, Timer
from typing import Any

from urllib3.util.connection import create_connection

from shared.errors import OutboundFault


class Line:
    """One connection to one of several addresses, cut when so many seconds are over.

    Time-outs of sockets count from byte to byte: who sends one a second, in a handshake, a header or a
    body, is never timed out. Here a timer shuts the connection down, under whoever reads.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._over = False
        self._timer: Timer | None = None
        self._twin: socket.socket | None = None
        self._lock = Lock()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer:
            self._timer.cancel()
        with self._lock:
            if self._twin:
                self._twin.close()
            self._twin = None

    def left(self) -> float:
        """Return the seconds that are left, never less than a moment."""
        return max(0.001, self._ends - time.monotonic())

    def check(self) -> None:
        """Raise OutboundFault when the time is over."""
        # gevent's timers may be a moment ahead of the clock
        if self._over or time.monotonic() >= self._ends:
            raise self.timed_out()

    def timed_out(self) -> OutboundFault:
        """Return the fault of having taken too long."""
        return OutboundFault(f"timed out after {self._seconds:g} s")

    def connect(self, addresses: Sequence[str], port: int, options: Any) -> socket.socket:
        """Return a connection to the first address that takes it; raise OutboundFault."""
        fault = OutboundFault("name not found")
        for tried, address in enumerate(addresses):
            self.check()
            # one address that swallows everything must leave time for the others
            share = self.left() / (len(addresses) - tried)
            try:
                return self._held(create_connection((address, port), share, None, options))
            except ConnectionRefusedError:
                fault = OutboundFault("connection refused")
            except TimeoutError:
                fault = self.timed_out()
            except OSError:
                fault = OutboundFault("address can't be reached")
        raise fault

    def _held(self, connection: socket.socket) -> socket.socket:
        connection.settimeout(self.left())
        # the connection itself is gone into another object once TLS is wrapped around it
        self._twin = connection.dup()
        self._timer = Timer(self.left(), self._cut)
        self._timer.daemon = True
        self._timer.start()
        return connection

    def _cut(self) -> None:
        with self._lock:
            if self._twin is None:
                return
            self._over = True
            try:
                self._twin.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # the other end was faster
