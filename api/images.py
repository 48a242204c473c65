"""The two routes that make images."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from flask import Blueprint, Response, request

from api import answers
from api.bodies import WAIT_FIELD, Body, Patience, is_dry_run, read_body, read_patience
from api.complaints import Complaint
from api.idempotency import read_key, replay_of
from api.peers import has_gone
from api.submission import Submission, accept, read_generate, read_upscale
from api.waiting import Waiting
from shared.errors import StoreUnavailable
from shared.jobs import Job
from shared.services import Services
from shared.settings import Settings

Read = Callable[[Body, Settings, Sequence[Complaint]], Submission]


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("images", __name__)

    @routes.post("/generate_image")
    def generate_image() -> Response:
        return _submit(read_generate, services, waiting)

    @routes.post("/upscale_image")
    def upscale_image() -> Response:
        return _submit(read_upscale, services, waiting)

    return routes


def _submit(read: Read, services: Services, waiting: Waiting) -> Response:
    settings = services.settings
    body = read_body(request)
    begun = time.monotonic()
    in_body = body.fields.get(WAIT_FIELD)
    patience = read_patience(request, in_body, settings, settings.default_wait_seconds)
    key = read_key(request, body)
    submission = read(body, settings, (*patience.faults, *key.faults))
    if is_dry_run(request):
        return answers.dry_run(submission, services)
    accepted = accept(submission, services, replay_of(key, request.path, submission))
    job = accepted.job
    # an accepted job is never answered as failed because the job store went away meanwhile
    with suppress(StoreUnavailable):
        # what a fetch took is part of what the caller waits
        left = max(0.0, patience.seconds - (time.monotonic() - begun))
        job = waiting.for_end(job, left, has_gone(request.environ))
    response = _answer(job, patience, services)
    if accepted.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def _answer(job: Job, patience: Patience, services: Services) -> Response:
    if not (job.terminal and patience.seconds):
        response = answers.accepted(job, services.settings)
        if patience.respond_async:
            response.headers["Preference-Applied"] = "respond-async"
        return response
    response = answers.ended(job, services.settings)
    response.headers["Preference-Applied"] = f"wait={patience.seconds:g}"
    return response
