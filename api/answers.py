"""A job as its callers see it: JSON, addresses, headers, and one sentence on where it stands."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from api.errors import STATUS
from api.submission import Submission
from shared.errors import StorageError
from shared.jobs import Job
from shared.logs import request_id
from shared.operations import price
from shared.services import Services
from shared.settings import Settings

# What a caller should let pass before it asks again; a waiting call is answered sooner anyway.
POLL_AFTER_SECONDS = 2


def job_json(job: Job, settings: Settings) -> dict[str, Any]:
    """Return a job in the shape of the contract."""
    base = settings.public_base_url or ""
    status_url = f"{base}/jobs/{job.id}"
    poll = None if job.terminal else POLL_AFTER_SECONDS
    promised = job.status not in {"failed", "canceled"}
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "revision": job.revision,
        "message": _message(job, poll),
        "status_url": status_url,
        "image_url": f"{base}/saved_images/{job.image}" if promised else None,
        "expires_at": None,
        "image": job.result,
        "request": job.request,
        "attempts": job.attempts,
        "queue_position": None,
        "eta_seconds": None,
        "poll_after_seconds": poll,
        "credits": _credits(job.credits),
        "credits_estimate": _credits(job.estimate),
        "created_at": _time(job.created),
        "started_at": _time(job.started),
        "finished_at": _time(job.finished),
        "timings": _timings(job),
        "batch_id": None,
        "retry_of": None,
        "metadata": job.metadata or {},
        "error": job.error,
        "error_code": job.error_code,
        "provider_request_id": job.provider_request_id,
    }


def accepted(job: Job, settings: Settings) -> Response:
    """Answer 202: the job goes on."""
    body = job_json(job, settings)
    response: Response = jsonify(body)
    response.status_code = 202
    response.headers["Location"] = body["status_url"]
    response.headers["Retry-After"] = str(POLL_AFTER_SECONDS)
    return response


def ended(job: Job, settings: Settings) -> Response:
    """Answer a caller who waited for the end: 200, or the failure's own status."""
    body = job_json(job, settings)
    status = 200
    if job.status == "failed":
        status = STATUS[job.error_code or "internal"]
        body["request_id"] = request_id.get()
    response: Response = jsonify(body)
    response.status_code = status
    response.headers["Location"] = body["status_url"]
    response.headers["Cache-Control"] = "no-store"
    return response


def found(job: Job, settings: Settings) -> Response:
    """Answer a caller who asked how a job stands: always 200."""
    response: Response = jsonify(job_json(job, settings))
    response.set_etag(str(job.revision), weak=True)
    response.headers["Cache-Control"] = "no-cache"
    if not job.terminal:
        response.headers["Retry-After"] = str(POLL_AFTER_SECONDS)
    return response


def dry_run(submission: Submission, services: Services) -> Response:
    """Answer what a request would cost and how long the queue is; nothing is queued or charged.

    An image that the request only names is not looked at: it may still prove unfit.
    """
    order, depth = submission.order, services.store.depth()
    estimate = price(order.variant, services.settings.price_overrides)
    response: Response = jsonify(
        dry_run=True,
        kind=order.kind,
        message="Nothing was queued or charged.",
        request=order.request,
        metadata=order.metadata or {},
        credits_estimate=_credits(estimate),
        queue={"waiting": depth.waiting, "running": depth.running},
    )
    return response


def _message(job: Job, poll: int | None) -> str:
    if job.status == "succeeded":
        return "The image is ready."
    if job.status == "canceled":
        return "The job was canceled."
    if job.status == "failed":
        return f"{(job.error or 'The job failed').rstrip('.')}. {_advice(job)}"
    ask = f"Ask again in {poll} seconds, or open image_url, which waits for the image."
    if job.status == "running":
        return f"The image is being made. {ask}"
    if job.trouble == StorageError.error_code:
        return f"The service has no room for images; the job waits until there is. {ask}"
    if job.trouble:
        return f"The provider could not do it yet; it is tried again by itself. {ask}"
    return f"The job is waiting for its turn. {ask}"


def _advice(job: Job) -> str:
    if job.credits is None:
        return "Asking again may pay again."
    if job.credits:
        return "It was charged; asking again pays again."
    return "Nothing was charged."


def _timings(job: Job) -> dict[str, int | None]:
    return {
        "queued_ms": job.started - job.created if job.started else None,
        "provider_ms": job.provider_ms,
        "total_ms": job.finished - job.created if job.finished else None,
    }


def _credits(thousandths: int | None) -> int | float | None:
    if thousandths is None:
        return None
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def _time(ms: int | None) -> str | None:
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
