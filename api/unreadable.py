"""What the web server can't read never reaches the app, and is answered in the same shape."""

import json
import logging
import secrets
from typing import Any

from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.ggevent import GeventWorker

_log = logging.getLogger(__name__)
_BAD_REQUEST = (400, "Bad Request", "The request can't be read as HTTP")
_KNOWN = {
    LimitRequestLine: (414, "URI Too Long", "The address is longer than this service reads"),
    LimitRequestHeaders: (
        431,
        "Request Header Fields Too Large",
        "The headers are larger than this service reads",
    ),
}


class Worker(GeventWorker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker, whose own faults are JSON as all others are, and not a page."""

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


def _answer(status: int, reason: str, error: str, request_id: str) -> bytes:
    told = {"error": error, "error_code": "invalid_request", "request_id": request_id}
    body = json.dumps(told) + "\n"
    head = (
        f"HTTP/1.1 {status} {reason}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"X-Request-ID: {request_id}",
        "X-Content-Type-Options: nosniff",
    )
    return "\r\n".join([*head, "", body]).encode()
