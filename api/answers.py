"""What callers are answered: jobs and batches as JSON, with the headers that belong to them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from flask import Response, jsonify, request

from api.errors import STATUS
from api.shapes import ErasedView, JobsPage
from shared.batches import Batch
from shared.errors import StoreUnavailable
from shared.jobs import Job
from shared.logs import request_id
from shared.moves import Accepted, AcceptedBatch, Outlook
from shared.services import Services
from shared.views import batch_view, job_view


def view(
    thing: Job | Batch, services: Services, told: Accepted | AcceptedBatch | None = None
) -> dict[str, Any]:
    """Return a job or a batch in the shape of the contract.

    A batch is told as it is now, its counts and its jobs as of the same moment; what was `told` when it
    was accepted is not asked again. May raise StoreUnavailable for a batch.
    """
    if isinstance(thing, Batch):
        jobs: Sequence[Job] = told.jobs if told else ()
        batch, jobs = (thing, jobs) if jobs else services.index.whole(thing)
        return {**batch_view(batch, jobs, services.settings)}
    outlook = told.outlook if isinstance(told, Accepted) else None
    return {**job_view(thing, services.settings, outlook or _outlook(thing, services))}


def _outlook(job: Job, services: Services) -> Outlook:
    with suppress(StoreUnavailable):  # a place that can't be told is no reason to answer nothing
        return services.index.outlook(job)
    return Outlook()


def accepted(
    thing: Job | Batch, services: Services, told: Accepted | AcceptedBatch | None = None
) -> Response:
    """Answer 202: it goes on; `told` as for a view."""
    body = view(thing, services, told)
    response: Response = jsonify(body)
    response.status_code = 202
    response.headers["Location"] = body["status_url"]
    _say_when_to_ask_again(response, body)
    return response


def ended(thing: Job | Batch, services: Services) -> Response:
    """Answer a caller who waited for the end: 200, or the failure's own status."""
    body = view(thing, services)
    status = 200
    if isinstance(thing, Job) and thing.status == "failed":
        status = STATUS[thing.error_code or "internal"]
        body["request_id"] = request_id.get()
    response: Response = jsonify(body)
    response.status_code = status
    response.headers["Location"] = body["status_url"]
    response.headers["Cache-Control"] = "no-store"
    return response


def found(thing: Job | Batch, services: Services) -> Response:
    """Answer a caller who asked how a job or a batch stands: always 200."""
    body = view(thing, services)
    response: Response = jsonify(body)
    response.set_etag(str(body["revision"]), weak=True)
    response.headers["Cache-Control"] = "no-cache"
    _say_when_to_ask_again(response, body)
    if body["finished_at"]:
        response.make_conditional(request)
    return response


def refused(thing: Job | Batch, why: str, services: Services) -> Response:
    """Answer 409 with a job or batch as it is: what was asked can't be done with it."""
    fault = {"error": why, "error_code": "conflict", "request_id": request_id.get()}
    response: Response = jsonify({**view(thing, services), **fault})
    response.status_code = STATUS["conflict"]
    return response


def listed(jobs: list[Job], next_cursor: str | None, services: Services) -> Response:
    """Answer a page of jobs."""
    told = [job_view(job, services.settings) for job in jobs]
    response: Response = jsonify(JobsPage(jobs=told, next_cursor=next_cursor))
    response.headers["Cache-Control"] = "no-store"
    return response


def erased(job: Job) -> Response:
    """Answer that nothing is kept of a job any more."""
    response: Response = jsonify(ErasedView(job_id=job.id, message="Nothing is kept of this job."))
    response.headers["Cache-Control"] = "no-store"
    return response


def dry_run(told: Mapping[str, Any], services: Services) -> Response:
    """Answer what a request would cost and how long the queue is; nothing is queued or charged."""
    depth = services.index.depth()
    response: Response = jsonify(
        dry_run=True,
        message="Nothing was queued or charged.",
        **told,
        queue={"waiting": depth.waiting, "running": depth.running},
    )
    return response


def _say_when_to_ask_again(response: Response, body: Mapping[str, Any]) -> None:
    if body["poll_after_seconds"] is not None:
        response.headers["Retry-After"] = str(body["poll_after_seconds"])
