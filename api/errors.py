"""The one place where a fault becomes an HTTP answer: one JSON shape for ours and the framework's.

Whoever speaks the OpenAI API gets it in that API's shape (`api/openai/faults.py`).
"""

import logging
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestedRangeNotSatisfiable

from api.openai import faults as openai
from shared.errors import Fault, InvalidRequest, StorageUnavailable, Unauthorized
from shared.image_store import StorageAway
from shared.logs import request_id
from shared.over_limit import OverLimit

_log = logging.getLogger(__name__)

STATUS = {
    "invalid_request": 400,
    "provider_rejected": 400,
    "unauthorized": 401,
    "budget_exceeded": 402,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "conflict": 409,
    "gone": 410,
    "payload_too_large": 413,
    "unsupported_media_type": 415,
    "range_not_satisfiable": 416,
    "idempotency_key_reused": 422,
    "input_moderated": 422,
    "output_moderated": 422,
    "queue_full": 429,
    "key_queue_full": 429,
    "too_many_requests": 429,
    "too_many_streams": 429,
    "internal": 500,
    "provider_auth": 502,
    "provider_credits": 502,
    "provider_error": 502,
    "provider_bad_image": 502,
    "storage_error": 502,
    "outcome_unknown": 502,
    "unavailable": 503,
    "not_ready": 503,
    "provider_unavailable": 503,
    "provider_timeout": 504,
    "deadline_passed": 504,
}
RETRY_AFTER_SECONDS = {
    "queue_full": 10,
    "key_queue_full": 10,
    "too_many_streams": 10,
    "unavailable": 2,
    "not_ready": 2,
}
_NO_STORE = frozenset({404, 410, 503})
_FRAMEWORK = {
    400: ("invalid_request", "The request can't be read"),
    404: ("not_found", "There is nothing at this address"),
    405: ("method_not_allowed", "This address does not take this method"),
    408: ("request_timeout", "The request took too long to arrive"),
    413: ("payload_too_large", "The request is larger than this service takes"),
    416: ("range_not_satisfiable", "The image has no such range"),
    415: ("unsupported_media_type", "The body is of a type that this address does not take"),
}


def register(app: Flask) -> None:
    """Answer every fault of an app in the one shape."""
    app.register_error_handler(Fault, _fault)
    app.register_error_handler(StorageAway, _storage_away)
    app.register_error_handler(HTTPException, _framework)
    app.register_error_handler(Exception, _defect)


def answer(status: int, code: str, message: str, **more: Any) -> Response:
    """Return a fault's answer; `more` stands in its body, but for callers of the OpenAI API."""
    body = {"error": message, "error_code": code, "request_id": request_id.get(), **more}
    if openai.is_spoken(request.path):
        status, body = openai.told(status, code, message, more.get("errors", ()))
    response: Response = jsonify(body)
    response.status_code = status
    if code in RETRY_AFTER_SECONDS:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS[code])
    if status in _NO_STORE:
        response.headers["Cache-Control"] = "no-store"
    return response


def _fault(fault: Fault) -> Response:
    more = {"errors": fault.errors} if isinstance(fault, InvalidRequest) else {}
    response = answer(STATUS[fault.error_code], fault.error_code, fault.message, **more)
    if isinstance(fault, Unauthorized):
        response.headers["WWW-Authenticate"] = fault.challenge
    if isinstance(fault, OverLimit):
        _tell_limit(response, fault)
    return response


def _storage_away(error: StorageAway) -> Response:
    _log.warning("storage", extra={"storage": error.strerror})
    away = "Where the images are kept does not answer; try again shortly"
    return _fault(StorageUnavailable(away))


def _tell_limit(response: Response, fault: OverLimit) -> None:
    # where nobody knows when there is room again, "t" is when to look
    seconds = fault.seconds or RETRY_AFTER_SECONDS[fault.error_code]
    window = f";w={fault.window}" if fault.window else ""
    response.headers["Retry-After"] = str(seconds)
    response.headers["RateLimit-Policy"] = f'"{fault.policy}";q={fault.quota}{window}'
    response.headers["RateLimit"] = f'"{fault.policy}";r={fault.left};t={seconds}'


def _framework(error: HTTPException) -> Response:
    status = error.code or 500
    if status >= 500:
        return _defect(error)
    code, message = _FRAMEWORK.get(status, ("invalid_request", error.name))
    response = answer(status, code, message)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if isinstance(error, RequestedRangeNotSatisfiable):
        response.headers["Content-Range"] = f"bytes */{error.length}"
    return response


def _defect(error: Exception) -> Response:
    _log.error("a defect met a request", exc_info=error)
    return answer(500, "internal", "Something went wrong in this service; it has been logged")
