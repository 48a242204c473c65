"""One id for each request, from the caller if sane, on its answer and on every log line."""

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from shared.logs import job_id, request_id
from shared.tally import Tally

_log = logging.getLogger("api.requests")
_SANE = re.compile(r"[A-Za-z0-9._+=@-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_QUIET = frozenset({"/healthz", "/readyz"})


def register(app: Flask, tally: Tally) -> None:
    """Give every request of an app its id and its line in the log, and count it."""

    def count(response: Response) -> Response:
        # never what was asked for: that has no end
        tally.add("http_requests", _method(), _route(), str(response.status_code))
        return response

    app.before_request(_begin)
    app.after_request(_end)
    app.after_request(count)


def _begin() -> None:
    given = request.headers.get("X-Request-ID", "")
    request_id.set(given if _SANE.fullmatch(given) else secrets.token_hex(8))
    job_id.set("")
    g.begun = time.monotonic()


def _end(response: Response) -> Response:
    response.headers["X-Request-ID"] = request_id.get()
    level = logging.DEBUG if request.path in _QUIET else logging.INFO
    facts = {
        "method": request.method,
        # an image's address opens the image, so it does not belong in a log
        "route": _route(),
        "status": response.status_code,
        "client": g.caller.owner or None if "caller" in g else None,
        "ms": round((time.monotonic() - g.begun) * 1000),
    }
    _log.log(level, "request", extra=facts)
    return response


def _route() -> str:
    return str(request.url_rule or "-")


def _method() -> str:
    return request.method if request.method in _METHODS else "-"
