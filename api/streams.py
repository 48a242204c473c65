"""Server-Sent Events: how a job or a batch stands, at once and at each change, until it has ended."""

import json
from collections.abc import Iterator
from functools import partial

from flask import Request, Response

from api import answers
from api.peers import has_gone
from api.waiting import News, Waiting
from shared.batches import Batch
from shared.jobs import Job
from shared.services import Services

# How long a client that lost its stream should let pass before it comes back.
_COME_BACK = "retry: 2000\n\n"
_STILL_HERE = ": still here\n\n"
# A stream that tells nothing else says so, so often: proxies close what is silent for a minute.
_HEARTBEAT_SECONDS = 15.0


def watch(
    thing: Job | Batch,
    request: Request,
    services: Services,
    waiting: Waiting,
    heartbeat: float = _HEARTBEAT_SECONDS,
) -> Response:
    """Answer a stream of `status` events, each with its revision as id; raise TooManyStreams.

    A client that comes back with `Last-Event-ID` is told only what it has not seen. Who has seen the
    end already gets a 204, which by the standard tells a client not to come back.
    """
    seen = _last_seen(request)
    if thing.terminal and seen == thing.revision:
        return Response(status=204)
    tell = partial(_news, services=services)
    first = None if seen == thing.revision else tell(thing)  # before a place is taken: it may raise
    give_back = waiting.take_place()
    changes = waiting.changes(thing, tell, has_gone(request.environ), heartbeat)
    response = Response(_told(first, changes), mimetype="text/event-stream")
    response.call_on_close(give_back)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # a proxy that collects it would tell nothing
    return response


def _told(first: News | None, changes: Iterator[News | None]) -> Iterator[str]:
    yield _COME_BACK + (first.text if first else "")
    if first and first.final:
        return
    for news in changes:
        yield news.text if news else _STILL_HERE


def _news(thing: Job | Batch, services: Services) -> News:
    body = answers.view(thing, services)
    data = json.dumps(body, ensure_ascii=False)
    text = f"id: {body['revision']}\nevent: status\ndata: {data}\n\n"
    return News(body["revision"], body["finished_at"] is not None, text)


def _last_seen(request: Request) -> int | None:
    told = request.headers.get("Last-Event-ID", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 12 else None
