"""A connection that ends in time, whatever the other end does."""

import socket
import time
from collections.abc import Sequence
from typing import Any

from urllib3.util.connection import create_connection

from shared.cut import Cut
from shared.errors import OutboundFault


class Line:
    """One connection to one of several addresses, cut when so many seconds are over."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._cut = Cut()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._cut.off()

    def left(self) -> float:
        """Return the seconds that are left, never less than a moment."""
        return max(0.001, self._ends - time.monotonic())

    def check(self) -> None:
        """Raise OutboundFault when the time is over."""
        # gevent's timers may be a moment ahead of the clock
        if self._cut.done or time.monotonic() >= self._ends:
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
        self._cut.after(self.left(), connection)
        return connection
