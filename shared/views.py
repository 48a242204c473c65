"""A job and a batch as their callers see them: in answers, in events, in webhooks.

These shapes are the contract: the OpenAPI document is made from them.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from shared.batches import Batch, BatchStatus
from shared.jobs import Job, Status
from shared.messages import POLL_AFTER_SECONDS, batch_message, in_seconds, job_message
from shared.moves import Outlook
from shared.operations import Kind
from shared.settings import Settings

_LONGEST_POLL_SECONDS = 30
_UNKNOWN = Outlook()


class ImageView(TypedDict):
    """What is known of a finished image; sides in pixels."""

    format: Literal["webp", "png", "jpeg"]
    width: int
    height: int
    bytes: int
    seed: int | None


class Timings(TypedDict):
    """How long a job took, in ms."""

    queued_ms: int | None
    provider_ms: int | None
    total_ms: int | None


class JobView(TypedDict):
    """A job; times are RFC 3339 in UTC, addresses are absolute with `PUBLIC_BASE_URL`."""

    job_id: str
    kind: Kind
    status: Status
    revision: int
    message: str
    status_url: str
    events_url: str
    image_url: str | None
    expires_at: str | None
    image: ImageView | None
    request: Mapping[str, Any]
    attempts: int
    queue_position: int | None
    eta_seconds: int | None
    poll_after_seconds: int | None
    credits: float | None
    credits_estimate: float | None
    created_at: str | None
    started_at: str | None
    finished_at: str | None
    timings: Timings
    batch_id: str | None
    retry_of: str | None
    metadata: Mapping[str, str]
    error: str | None
    error_code: str | None
    provider_request_id: str | None


class BatchJobView(TypedDict):
    """A job as its batch tells of it."""

    job_id: str
    status: Status
    status_url: str
    image_url: str | None
    error: str | None
    error_code: str | None


class BatchView(TypedDict):
    """A batch; `progress` is the share of its jobs that have ended, from 0 to 1."""

    batch_id: str
    status: BatchStatus
    revision: int
    message: str
    counts: Mapping[str, int]
    total: int
    progress: float
    status_url: str
    events_url: str
    archive_url: str
    poll_after_seconds: int | None
    credits: float
    credits_estimate: float
    jobs: list[BatchJobView]
    metadata: Mapping[str, str]
    created_at: str | None
    finished_at: str | None


def job_view(job: Job, settings: Settings, outlook: Outlook = _UNKNOWN) -> JobView:
    """Return a job in the shape of the contract."""
    base = settings.public_base_url or ""
    poll = None if job.terminal else poll_after(outlook)
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "revision": job.revision,
        "message": job_message(job, poll, outlook),
        "status_url": f"{base}/jobs/{job.id}",
        "events_url": f"{base}/jobs/{job.id}/events",
        "image_url": image_url(job, settings),
        "expires_at": in_utc(job.expires),
        "image": _image(job),
        "request": job.request,
        "attempts": job.attempts,
        "queue_position": outlook.position,
        "eta_seconds": in_seconds(outlook.eta_ms),
        "poll_after_seconds": poll,
        "credits": in_credits(job.credits),
        "credits_estimate": in_credits(job.estimate),
        "created_at": in_utc(job.created),
        "started_at": in_utc(job.started),
        "finished_at": in_utc(job.finished),
        "timings": _timings(job),
        "batch_id": job.batch or None,
        "retry_of": job.retry_of or None,
        "metadata": job.metadata or {},
        "error": job.error,
        "error_code": job.error_code,
        "provider_request_id": job.provider_request_id,
    }


def batch_view(batch: Batch, jobs: Iterable[Job], settings: Settings) -> BatchView:
    """Return a batch in the shape of the contract; `jobs` are its own."""
    base, parts = settings.public_base_url or "", list(jobs)
    ended = batch.succeeded + batch.failed + batch.canceled
    address = f"{base}/batches/{batch.id}"
    return {
        "batch_id": batch.id,
        "status": batch.status,
        "revision": batch.revision,
        "message": batch_message(batch, ended),
        "counts": batch.counts,
        "total": batch.total,
        "progress": round(ended / batch.total, 4),
        "status_url": address,
        "events_url": f"{address}/events",
        "archive_url": f"{address}/archive",
        "poll_after_seconds": None if batch.terminal else POLL_AFTER_SECONDS,
        "credits": _sum(job.credits or 0 for job in parts),
        "credits_estimate": _sum(job.estimate for job in parts),
        "jobs": [_batch_job(job, settings) for job in parts],
        "metadata": batch.metadata or {},
        "created_at": in_utc(batch.created),
        "finished_at": in_utc(batch.finished),
    }


def image_url(job: Job, settings: Settings) -> str | None:
    """Return where a job's image is or will be, None when it will never be there."""
    if job.image_gone or job.status in {"failed", "canceled"}:
        return None
    return f"{settings.public_base_url or ''}/saved_images/{job.image}"


def poll_after(outlook: Outlook) -> int:
    """Return the seconds that a caller should let pass before it asks again."""
    seconds = in_seconds(outlook.eta_ms)
    if seconds is None:
        return POLL_AFTER_SECONDS
    return min(max(seconds, 1), _LONGEST_POLL_SECONDS)


def in_credits(thousandths: int | None) -> float | None:
    """Return credits from thousandths, as an integer where it is one."""
    if thousandths is None:
        return None
    return thousandths // 1000 if thousandths % 1000 == 0 else thousandths / 1000


def in_utc(ms: int | None) -> str | None:
    """Return a moment (ms) as RFC 3339 writes it."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _batch_job(job: Job, settings: Settings) -> BatchJobView:
    return {
        "job_id": job.id,
        "status": job.status,
        "status_url": f"{settings.public_base_url or ''}/jobs/{job.id}",
        "image_url": image_url(job, settings),
        "error": job.error,
        "error_code": job.error_code,
    }


def _image(job: Job) -> ImageView | None:
    result: Any = job.result
    return result or None


def _timings(job: Job) -> Timings:
    return {
        "queued_ms": job.started - job.created if job.started else None,
        "provider_ms": job.provider_ms,
        "total_ms": job.finished - job.created if job.finished else None,
    }


def _sum(thousandths: Iterable[int]) -> float:
    return in_credits(sum(thousandths)) or 0
