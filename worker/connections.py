"""Connections that know whether they stood: what fails before that surely cost nothing.

Name look-up, TCP and the TLS handshake fail in a dozen ways, some of which look like a failure of the
answer; only the connection itself can tell. They also take seconds, so what must still hold when a
request is sent is asked once the connection stands.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

connected: ContextVar[bool] = ContextVar("connected", default=False)
# Raises when the request may not be sent any more; the last thing that runs before its first byte.
last_check: ContextVar[Callable[[], None]] = ContextVar("last_check")
# How long sending may take: without this only as long as connecting, whatever the upload and the line.
send_seconds: ContextVar[float] = ContextVar("send_seconds")


def _stands(connection: HTTPConnection) -> None:
    # the first counts on a plain socket; the second on an encrypted one, which stands before the request
    connection.sock.settimeout(send_seconds.get())
    connection.timeout = send_seconds.get()
    last_check.get()()
    connected.set(True)


class _Connection(HTTPConnection):
    def connect(self) -> None:
        super().connect()
        _stands(self)


class _SecureConnection(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        _stands(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def provider_session() -> requests.Session:
    """Return a session for one call: once its connection stands, `last_check`, then `connected`."""
    session = requests.Session()
    session.trust_env = False  # a .netrc or a proxy of this machine must not see the key
    session.mount("https://", _Adapter())
    session.mount("http://", _Adapter())
    return session
