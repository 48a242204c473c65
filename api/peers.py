"""Is the caller of a request still there? Who has hung up must not keep a place to wait."""

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any

from gevent.monkey import get_original

# gevent's own asks its loop and lets others in; thousands ask each second what the system knows at once
_Poll = get_original("select", "poll")


def has_gone(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """Return a question to ask while waiting; under a server that hides its sockets it says no."""
    peer = environ.get("gunicorn.socket")
    if peer is None:
        return lambda: False

    poll = _Poll()

    def gone() -> bool:
        try:
            poll.register(peer, select.POLLIN)
            # readable with nothing to read: the other end is closed
            return bool(poll.poll(0)) and peer.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    return gone
