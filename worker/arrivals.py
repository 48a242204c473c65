"""What arrived late takes a second slot: its own was long over when the provider counted it.

A request that is lost on its way is sent again by the system after 0.2, 0.6, 1.4 s, …: when the way is
back it comes between those whose slots are now. To give the connection up instead would hide nothing
but whether the call was charged.
"""

import socket
import sys
import threading

from shared.job_store import JobStore


class Arrivals:
    """Know the requests under way: `sent` and `ended` from any thread, `book` every half second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # whether the system had to send it again when it was last looked at
        self._overdue: dict[socket.socket, bool] = {}
        self._late = 0

    def sent(self, connection: socket.socket) -> None:
        """Note that a request goes out on a connection now."""
        with self._lock:
            self._overdue[connection] = False

    def ended(self, connection: socket.socket) -> None:
        """Note that all is over on a connection; the provider may have got what was overdue."""
        with self._lock:
            self._late += self._overdue.pop(connection, False)

    def late(self) -> None:
        """Note a request that is sent longer after its grant than the guard stands for."""
        with self._lock:
            self._late += 1

    def book(self, store: JobStore) -> None:
        """Take a slot for each that arrived late since this was called; may raise StoreUnavailable."""
        with self._lock:
            for connection, was in self._overdue.items():
                now = overdue(connection)
                self._late += was and not now
                self._overdue[connection] = now
            late, self._late = self._late, 0
        try:
            if late:
                store.book(late)
        except Exception:
            with self._lock:
                self._late += late
            raise


def overdue(connection: socket.socket) -> bool:
    """Tell whether the system sends something again because the other end did not acknowledge it."""
    if sys.platform != "linux":
        return False  # nobody else tells
    try:
        return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 3)[2] > 0
    except OSError:
        return False  # it is closed
