"""From an answer to a value or to one of our errors."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

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
        error_code=body.get("error_code"),
        errors=tuple(body.get("errors") or ()),
        request_id=body.get("request_id") or response.headers.get("X-Request-ID"),
        retry_after=_retry_after(response.headers),
        body=body,
    )
    message = str(body.get("error") or f"The service answered {status} {response.reason}")
    kind = _BY_STATUS.get(status, Refused if status < 500 else ServiceFault)
    return kind(message, details)


def read_object(response: requests.Response) -> dict[str, Any]:
    """Return the JSON object of a good answer; raise ServiceFault when it is none."""
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise ServiceFault("What answers at this address is not this service", _details(200))
    return body


def read_bytes(response: requests.Response) -> bytes:
    """Return a whole body; raise Unreachable when it was cut short."""
    return b"".join(check_size(response, response.iter_content(64 * 1024)))


def check_size(response: requests.Response, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a body's pieces; raise Unreachable when they are fewer bytes than were announced.

    Not every urllib3 that `requests` takes looks after that itself.
    """
    size = 0
    for piece in pieces:
        size += len(piece)
        yield piece
    announced = response.headers.get("Content-Length", "")
    packed = "Content-Encoding" in response.headers  # then it is the packed bytes that are counted
    if announced.isdigit() and int(announced) != size and not packed:
        raise Unreachable("The image was cut short on its way")


def _details(status: int) -> Details:
    return Details(status=status)


def _object(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of `Retry-After`, which may be a moment."""
    told = headers.get("Retry-After", "").strip()
    if told.isascii() and told.isdigit():
        return min(float(told), _LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(told)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_RETRY_AFTER)
