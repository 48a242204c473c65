"""The web server's worker, and what it can't read: answered in the one shape, and no app sees it."""

import json
import logging
import re
import secrets
import socket
from contextlib import suppress
from typing import Any

import gevent
from gunicorn import util
from gunicorn.http.errors import (
    ExpectationFailed,
    InvalidHeader,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
)
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

from api.arriving import Arriving, Rest
from api.headers import EVERY
from api.outgoing import send_whole

_log = logging.getLogger(__name__)
_BAD_REQUEST = (400, "Bad Request", "The request can't be read as HTTP")
_KNOWN = {
    LimitRequestLine: (414, "URI Too Long", "The address is longer than this service reads"),
    LimitRequestHeaders: (
        431,
        "Request Header Fields Too Large",
        "The headers are larger than this service reads",
    ),
    ExpectationFailed: (417, "Expectation Failed", "Only 100-continue can be expected"),
}
# Who takes nothing of an answer for so long is cut off: it would hold its connection for ever.
UNREAD_SECONDS = 120
# What was sent and not read must be taken off, or the answer to it is lost with the connection.
_LINGER_SECONDS = 1.0


class Patience(gevent.Timeout):  # type: ignore[misc]  # gevent's types leave it out
    """A time-out that says who waits by it; who is ended by it goes on behind its `with`."""

    def __init__(self, seconds: float, idle: "dict[Any, gevent.Timeout]") -> None:
        super().__init__(seconds, False)
        self._idle = idle

    def __enter__(self) -> "Patience":
        self._idle[gevent.getcurrent()] = self
        super().__enter__()
        return self

    def __exit__(self, *raised: Any) -> bool | None:
        self._idle.pop(gevent.getcurrent(), None)
        ended: bool | None = super().__exit__(*raised)
        return ended


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker, whose own faults are JSON as all others are, and not a page."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.idle: dict[Any, gevent.Timeout] = {}

    def init_process(self) -> None:
        """Serve until told to stop."""
        send_whole()
        super().init_process()

    def timeout_ctx(self) -> "Patience":
        """Return what ends the wait for a request and its head."""
        return Patience(self.cfg.keepalive, self.idle)

    def hang_up(self) -> None:
        """End the connections that are kept for a next request: a stop would wait for each."""
        for greenlet, timer in list(self.idle.items()):
            greenlet.kill(timer, block=False)

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection, unless its other end stops to take what is sent."""
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux alone has it
            with suppress(OSError):  # it has gone already
                client.setsockopt(
                    socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_SECONDS * 1000
                )
        super().handle(listener, client, addr)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> Any:
        """Answer a request whose head was read, with a body that must arrive in time."""
        if not _names_one_host(req):
            raise InvalidHeader("HOST", req=req)
        arriving = Arriving(req)
        whole, req.body = req.body, arriving
        try:
            return super().handle_request(listener_name, req, sock, addr)
        except TimeoutError:
            _log.info("who asked has stopped to read")
            raise StopIteration from None
        finally:
            arriving.let_go()
            # what was not asked for is taken off by gunicorn; others are let in between two requests too
            req.body = Rest(whole)
            if arriving.broken:
                util.close_graceful(sock, timeout=_LINGER_SECONDS)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Answer what could not be read; what else went wrong is gunicorn's to tell."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        status, reason, error = _KNOWN.get(type(exc), _BAD_REQUEST)
        request_id = secrets.token_hex(8)
        _log.warning("unreadable request", extra={"status": status, "request": request_id})
        try:
            write_nonblock(client, _answer(status, reason, error, request_id))
        except OSError:
            _log.debug("who sent it has gone")
        else:
            util.close_graceful(client, timeout=_LINGER_SECONDS)


def _names_one_host(req: Any) -> bool:
    """Tell whether a request names its host, and, where it does so twice, the same (RFC 9112, 3.2)."""
    host = next((value for name, value in req.headers if name == "HOST"), None)
    if host is None:
        return bool(req.version < (1, 1))
    scheme, _, rest = req.uri.partition("://")
    target = re.split(r"[/?#]", rest, maxsplit=1)[0] if scheme.isalpha() else host
    return bool(target.lower() == host.lower())


def _answer(status: int, reason: str, error: str, request_id: str) -> bytes:
    told = {"error": error, "error_code": "invalid_request", "request_id": request_id}
    body = json.dumps(told) + "\n"
    head = (
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        *(f"{name}: {value}" for name, value in EVERY.items()),
    )
    return "\r\n".join([*head, "", body]).encode()
