"""Server-Sent Events: how a job or a batch stands, at once and at each change, until it has ended."""

import json
from collections.abc import Iterator

from flask import Request, Response

from api import answers
from api.waiting import Waiting
from shared.batches import Batch
from shared.jobs import Job
from shared.services import Services

# How long a client that lost its stream should let pass before it comes back.
_COME_BACK_MS = 2_000


def watch(thing: Job | Batch, request: Request, services: Services, waiting: Waiting) -> Response:
    """Answer a stream of `status` events, each with its revision as id; raise TooManyStreams.

    A client that comes back with `Last-Event-ID` is told only what it has not seen. Who has seen the
    end already gets a 204, which by the standard tells a client not to come back.
    """
    seen = _last_seen(request)
    if thing.terminal and seen == thing.revision:
        return Response(status=204)
    give_back = waiting.take_place()
    response = Response(_told(thing, seen, services, waiting), mimetype="text/event-stream")
    response.call_on_close(give_back)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy that collects it would tell nothing
    return response


def _told(
    thing: Job | Batch, seen: int | None, services: Services, waiting: Waiting
) -> Iterator[str]:
    yield f"retry: {_COME_BACK_MS}\n\n"
    if thing.revision != seen:
        yield _event(thing, services)
    if thing.terminal:
        return
    for changed in waiting.changes(thing):
        yield _event(changed, services) if changed else ": still here\n\n"


def _event(thing: Job | Batch, services: Services) -> str:
    data = json.dumps(answers.view(thing, services), ensure_ascii=False)
    return f"id: {thing.revision}\nevent: status\ndata: {data}\n\n"


def _last_seen(request: Request) -> int | None:
    told = request.headers.get("Last-Event-ID", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 12 else None
