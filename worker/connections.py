"""Connections that know whether they stood: what fails before that surely cost nothing.

Name look-up, TCP and the TLS handshake fail in a dozen ways, some of which look like a failure of the
answer; only the connection itself can tell. They also take seconds, so what must still hold when a
request is sent is asked once the connection stands.
"""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.cut import Cut
from worker.arrivals import Arrivals


class Passage:
    """One request's way out and back: what must hold when it is sent, and when all must be over.

    `check` raises when the request may not be sent any more; it is the last thing that runs before the
    first byte. `connected` tells whether that came. When so many seconds are over, it is cut.
    `arrivals` hears of it meanwhile.
    """

    def __init__(self, check: Callable[[], None], seconds: float, arrivals: Arrivals) -> None:
        self.connected = False
        self._check = check
        self._seconds = seconds
        self._ends = time.monotonic() + seconds
        self._cut = Cut()
        self._arrivals = arrivals
        self._socket: socket.socket | None = None

    @property
    def over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self._ends

    def stands(self, connection: HTTPConnection) -> None:
        """Take note that the connection stands; raise what the check raises."""
        # How long sending may take: without this only as long as connecting, whatever the upload and the
        # line. The first counts on a plain socket; the second on an encrypted one.
        connection.sock.settimeout(self._seconds)
        connection.timeout = self._seconds
        self._cut.after(self._ends - time.monotonic(), connection.sock)
        self._check()
        self._socket = connection.sock
        self._arrivals.sent(connection.sock)
        self.connected = True

    def close(self) -> None:
        """Let go of the connection."""
        self._cut.off()
        if self._socket:
            self._arrivals.ended(self._socket)


_passage: ContextVar[Passage] = ContextVar("passage")


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _passage.get().stands(self)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _passage.get().stands(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


@contextmanager
def provider_session(passage: Passage) -> Iterator[requests.Session]:
    """Give a session for one request, whose connection keeps to the passage."""
    token = _passage.set(passage)
    try:
        with requests.Session() as session:
            session.trust_env = False  # a .netrc or a proxy of this machine must not see the key
            session.mount("https://", _Adapter())
            session.mount("http://", _Adapter())
            yield session
    finally:
        passage.close()
        _passage.reset(token)
