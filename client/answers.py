"""From an answer to a value or to one of our errors."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import requests

from client.errors import (
    BudgetExceeded,
    ClientError,
    Conflict,
    Details,
    Forbidden,
    Gone,
    IdempotencyKeyReused,
    InvalidRequest,
    LimitReached,
    NotFound,
    Refused,
    ServiceFault,
    Unauthorized,
    Unavailable,
    Unreachable,
)

T = TypeVar("T")
_BY_STATUS: dict[int, type[ClientError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    402: BudgetExceeded,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    413: InvalidRequest,
    415: InvalidRequest,
    422: IdempotencyKeyReused,
    429: LimitReached,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
# Nobody means to wait longer without being asked.
_LONGEST_RETRY_AFTER = 86_400.0
# What an address that answers for ever, or unpacks into a disk full, is read of.
_MOST_JSON_BYTES = 64 * 1024 * 1024
MOST_PICTURE_BYTES = 256 * 1024 * 1024
_NOT_OURS = "What answers at this address is not this service"


def fault_of(response: requests.Response) -> ClientError | None:
    """Return the error that an answer is, None for a good one."""
    status = response.status_code
    if status < 300:
        return None
    if status < 400:
        where = response.headers.get("Location", "another address")
        return ServiceFault(f"The service has moved to {where}; use that address", _details(status))
    body = _object(response)
    details = Details(
        status=status,
        error_code=_text(body.get("error_code")),
        errors=_mappings(body.get("errors")),
        request_id=_text(body.get("request_id")) or response.headers.get("X-Request-ID"),
        retry_after=_retry_after(response.headers),
        body=body,
    )
    message = str(body.get("error") or f"The service answered {status} {response.reason}")
    kind = _BY_STATUS.get(status, Refused if status < 500 else ServiceFault)
    return kind(message, details)


def read_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of a good answer; raise ServiceFault when it is none."""
    body = _parsed(response)
    if not isinstance(body, dict):
        raise ServiceFault(_NOT_OURS, _details(200))
    return body


def value_of(read: Callable[[dict[str, Any]], T], body: dict[str, Any]) -> T:
    """Return what `read` makes of an object; raise ServiceFault when it is another service's."""
    try:
        return read(body)
    except (TypeError, ValueError, AttributeError):
        raise ServiceFault(_NOT_OURS, _details(200)) from None


def read_bytes(response: requests.Response) -> bytes:
    """Return a whole image; raise Unreachable when it was cut short, ServiceFault when it has no end."""
    pieces = response.iter_content(64 * 1024)
    return b"".join(check_size(response, pieces, MOST_PICTURE_BYTES))


def check_size(
    response: requests.Response, pieces: Iterable[bytes], most: int | None = None
) -> Iterator[bytes]:
    """Yield a body's pieces; raise Unreachable when they are fewer bytes than were announced.

    Not every urllib3 that `requests` takes looks after that itself. Raise ServiceFault beyond `most`.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        if most is not None and size > most:
            raise ServiceFault(f"The answer has no end: more than {most} bytes", _details(200))
        yield piece
    announced = response.headers.get("Content-Length", "")
    packed = "Content-Encoding" in response.headers  # then it is the packed bytes that are counted
    if announced.isdigit() and int(announced) != size and not packed:
        raise Unreachable("The answer was cut short on its way")


def _details(status: int) -> Details:
    return Details(status=status)


def _object(response: requests.Response) -> dict[str, Any]:
    body = _parsed(response)
    return body if isinstance(body, dict) else {}


def _parsed(response: requests.Response) -> Any:
    pieces = check_size(response, response.iter_content(64 * 1024), _MOST_JSON_BYTES)
    try:
        return json.loads(b"".join(pieces))
    except (ValueError, RecursionError):
        return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _mappings(value: object) -> tuple[Mapping[str, Any], ...]:
    items = value if isinstance(value, list) else []
    return tuple(each for each in items if isinstance(each, Mapping))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, which may be a moment."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_RETRY_AFTER)
