"""One id for each request, from the caller if sane, on its answer and on every log line."""

import logging
import re
import secrets
import time

from flask import Flask, Response, g, request

from shared.logs import job_id, request_id

_log = logging.getLogger("api.requests")
_SANE = re.compile(r"[A-Za-z0-9._+=@-]{1,128}")
_QUIET = frozenset({"/healthz", "/readyz"})


def register(app: Flask) -> None:
    """Give every request of an app its id and its line in the log."""
    app.before_request(_begin)
    app.after_request(_end)


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
        "route": str(request.url_rule or "-"),
        "status": response.status_code,
        "client": g.caller.owner or None if "caller" in g else None,
        "ms": round((time.monotonic() - g.begun) * 1000),
    }
    _log.log(level, "request", extra=facts)
    return response
