"""Server-Sent Events, as the service sends them."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import requests

from client.errors import ServiceFault

MIMETYPE = "text/event-stream"
# A batch of ten thousand jobs is told in less.
_MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Event:
    """One event: what it tells, and the id by which a stream is resumed."""

    body: dict[str, Any]
    id: str


def events_in(response: requests.Response) -> Iterator[Event | None]:
    """Yield a stream's events as they come; None stands for a sign of life."""
    # what comes in chunks is read chunk by chunk; else only single bytes are never held back
    size = None if getattr(response.raw, "chunked", False) else 1
    name, data, last = "", "", ""
    for line in _lines(response.iter_content(size)):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "id":
            last = value
        elif field == "event":
            name = value
        elif field == "data":
            data += value
            _check_size(data)
        elif line:
            yield None
        else:
            event = _event(name, data, last)
            name, data = "", ""
            if event:
                yield event


def _event(name: str, data: str, last: str) -> Event | None:
    if name != "status" or not data:
        return None
    try:
        body = json.loads(data)
    except ValueError:
        return None
    return Event(body, last) if isinstance(body, dict) else None


def _lines(pieces: Iterable[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        _check_size(rest)
        for line in whole:
            yield line.removesuffix(b"\r").decode(errors="replace")


def _check_size(held: str | bytes) -> None:
    if len(held) > _MOST_BYTES:
        raise ServiceFault("The stream has an event without an end")
