"""Turn an outcome into the bytes of an HTTP answer, or into the lack of one."""

import base64
import errno
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from flask import Response

from sandbox.errors import ProviderError, body_v1, body_v2, gateway_page
from sandbox.pictures import Made
from sandbox.provider import Outcome

JSON = "application/json"
_DRIPS = 20
_BLOCK = 64 * 1024


@dataclass
class Parts:
    """Hold an answer before it is sent."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True)
class Line:
    """Hold what sending needs: how to wait, whether the client hung up, whom to tell the end."""

    sleep: Callable[[float], None]
    hung_up: Callable[[], bool]
    delivered: Callable[[Outcome], None]


def answer(outcome: Outcome, as_json: bool, line: Line, job_id: str = "") -> Response:
    """Build the answer to a paid call or a poll; `job_id` is the polled job's."""
    if outcome.made:
        parts = _json_picture(outcome) if as_json else _picture(outcome)
    elif outcome.started:
        parts = json_parts({"id": outcome.started})
    else:
        parts = json_parts({"id": job_id, "status": "in-progress"}, 202)
    return send(parts, outcome, line)


def send(parts: Parts, outcome: Outcome, line: Line) -> Response:
    """Send an answer in the way its fault asks for; without one, whole and at once."""
    length, pieces = _pieces(parts.body, outcome, line)
    response = Response(_handed_over(pieces, outcome, line), parts.status, parts.headers)
    response.content_length = length
    return response


def refuse(error: ProviderError, request_id: str, path: str) -> Response:
    """Build the answer to a refused call: a gateway's page, or the v1 or v2beta body."""
    if error.html:
        response = Response(gateway_page(error.status), error.status, mimetype="text/html")
    else:
        body = body_v1 if path.startswith("/v1/") else body_v2
        response = Response(json.dumps(body(error, request_id)), error.status, content_type=JSON)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(math.ceil(error.retry_after))
    return response


def json_parts(data: object, status: int = 200) -> Parts:
    """Build an answer that carries JSON."""
    return Parts(json.dumps(data).encode(), {"content-type": JSON}, status)


def _picture(outcome: Outcome) -> Parts:
    made = _made(outcome)
    headers = {
        "content-type": f"image/{made.format}",
        "seed": str(made.seed),
        "finish-reason": made.finish_reason,
    }
    if _kind(outcome) == "no_finish_reason":
        del headers["finish-reason"]
    return Parts(_spoiled(made.data, outcome), headers)


def _json_picture(outcome: Outcome) -> Parts:
    made = _made(outcome)
    data: dict[str, object] = {
        "image": base64.b64encode(made.data).decode(),
        "seed": made.seed,
        "finish_reason": made.finish_reason,
    }
    if _kind(outcome) == "no_finish_reason":
        del data["finish_reason"]
    content_type = f"{JSON}; type=image/{made.format}"
    return Parts(_spoiled(json.dumps(data).encode(), outcome), {"content-type": content_type})


def _made(outcome: Outcome) -> Made:
    if outcome.made is None:
        raise ValueError("this outcome carries no picture")
    return outcome.made


def _spoiled(body: bytes, outcome: Outcome) -> bytes:
    if _kind(outcome) == "not_image":
        return gateway_page(200).encode()
    return b"" if _kind(outcome) == "empty" else body


def _kind(outcome: Outcome) -> str:
    return outcome.fault.kind if outcome.fault else ""


def _pieces(body: bytes, outcome: Outcome, line: Line) -> tuple[int, Iterator[bytes]]:
    """Return the length to announce and the pieces to send."""
    fault = outcome.fault
    if fault and fault.kind == "huge" and outcome.made:
        return int(fault.number("bytes")), _zeros(int(fault.number("bytes")))
    if fault and fault.kind == "drip":
        return len(body), _drips(body, fault.number("seconds"), line.sleep)
    if fault and fault.kind == "cut":
        return len(body), _cut(body)
    if fault and fault.kind in ("reset", "hang"):
        return len(body), iter(partial(_nothing, fault.number("seconds"), line.sleep), b"")
    return len(body), iter([body])


def _handed_over(pieces: Iterator[bytes], outcome: Outcome, line: Line) -> Iterator[bytes]:
    for piece in pieces:
        if line.hung_up():
            raise _broken()
        yield piece
    line.delivered(outcome)


def _zeros(length: int) -> Iterator[bytes]:
    for start in range(0, length, _BLOCK):
        yield bytes(min(_BLOCK, length - start))


def _drips(body: bytes, seconds: float, sleep: Callable[[float], None]) -> Iterator[bytes]:
    starts = range(0, len(body), max(1, math.ceil(len(body) / _DRIPS)))
    for start in starts:
        sleep(seconds / len(starts))
        yield body[start : start + starts.step]


def _cut(body: bytes) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    raise _broken()


def _nothing(seconds: float, sleep: Callable[[float], None]) -> bytes:
    sleep(seconds)
    raise _broken()


def _broken() -> OSError:
    """Build the error upon which the server closes the connection without a word."""
    return BrokenPipeError(errno.EPIPE, "the sandbox closes this connection")
