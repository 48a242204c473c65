"""The way of every request that submits something: read, accept, wait if asked to, answer."""

import time
from dataclasses import dataclass, replace
from typing import Any

from flask import Response, request

from api import answers
from api.auth import caller
from api.bodies import WAIT_FIELD, Patience, read_body, read_dry_run, read_patience
from api.idempotency import read_key, replay_of
from api.peers import has_gone
from api.quotas import counted
from api.receivers import look_at_receivers
from api.submission import Read, Submission, accept, accepted_before, estimate
from api.waiting import Waiting
from shared.batches import Batch
from shared.errors import NotFound, StoreUnavailable
from shared.jobs import Job
from shared.moves import Accepted, AcceptedBatch, Replay
from shared.services import Services
from shared.settings import Settings
from shared.views import in_credits


@dataclass(frozen=True, slots=True)
class _Asked:
    """The current request as it was read, and the work of the first like it if it only comes again."""

    submission: Submission
    patience: Patience
    dry_run: bool
    begun: float
    replay: Replay | None = None
    before: Accepted | AcceptedBatch | None = None


def submit(read: Read, services: Services, waiting: Waiting) -> Response:
    """Accept what the current request asks for, as `read` understands it; answer 202 or the end."""
    settings, owner = services.settings, caller().owner
    with counted(services) as free:
        asked = _asked(read, owner, services)
        if asked.before:
            free()
    if not asked.before:
        look_at_receivers(asked.submission, settings)
    if asked.dry_run:
        return answers.dry_run(_normalised(asked.submission, settings), services)
    patience, begun = asked.patience, asked.begun
    accepted = asked.before or accept(
        asked.submission, services, asked.replay, owner, place=not patience.seconds
    )
    # thousands may wait, and what they sent would be held as long: a picture each
    del asked
    request.close()
    # what a fetch took is part of what the caller waits
    left = max(0.0, patience.seconds - (time.monotonic() - begun))
    return _in_the_end(accepted, left, patience, services, waiting)


def _in_the_end(
    accepted: Accepted | AcceptedBatch,
    seconds: float,
    patience: Patience,
    services: Services,
    waiting: Waiting,
) -> Response:
    """Answer with the end of what was accepted, or as it is when so many seconds are over."""
    try:
        thing = waiting.for_end(accepted.thing, seconds, has_gone(request.environ))
        # what was told a moment ago need not be asked again
        response = _answer(thing, patience, services, None if patience.seconds else accepted)
    except (StoreUnavailable, NotFound):
        # what was accepted is never answered as failed because the job store went away meanwhile, or
        # because records are kept for less time than this caller waited
        response = _answer(accepted.thing, patience, services, accepted)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _asked(read: Read, owner: str, services: Services) -> _Asked:
    settings = services.settings
    body = read_body(request)
    begun = time.monotonic()
    in_body = body.fields.get(WAIT_FIELD)
    patience = read_patience(request, in_body, settings, settings.default_wait_seconds)
    key = read_key(request, body)
    dry_run, faults = read_dry_run(request)
    submission = read(body, settings, (*patience.faults, *key.faults, *faults))
    asked = _Asked(submission, patience, dry_run, begun)
    if dry_run:
        return asked
    replay = replay_of(key, owner, request.path, submission)
    return replace(
        asked, replay=replay, before=accepted_before(submission, services, replay, owner)
    )


def _answer(
    thing: Job | Batch,
    patience: Patience,
    services: Services,
    told: Accepted | AcceptedBatch | None,
) -> Response:
    if not (thing.terminal and patience.seconds):
        response = answers.accepted(thing, services, told)
        if patience.respond_async:
            response.headers["Preference-Applied"] = "respond-async"
        return response
    response = answers.ended(thing, services)
    response.headers["Preference-Applied"] = f"wait={patience.seconds:g}"
    return response


def _normalised(submission: Submission, settings: Settings) -> dict[str, Any]:
    """Return a request as it was understood, and its price.

    An image that the request only names is not looked at: it may still prove unfit.
    """
    orders = [piece.order for piece in submission.pieces]
    told: dict[str, Any] = {"kind": orders[0].kind, "metadata": orders[0].metadata or {}}
    if submission.batch:
        told["metadata"] = submission.batch.metadata or {}
        told["total"] = len(orders)
        told["requests"] = [order.request for order in orders]
    else:
        told["request"] = orders[0].request
    return {**told, "credits_estimate": in_credits(estimate(submission, settings))}
