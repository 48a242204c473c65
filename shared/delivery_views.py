"""What is sent to webhooks, and what callers see of it; the shapes are the contract, as in `views`."""

from typing import Literal

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from shared.batches import Batch
from shared.deliveries import Deliveries, DeliveryStatus, Try, webhook_id
from shared.jobs import Job
from shared.views import BatchView, JobView, in_utc

EventType = Literal["job.succeeded", "job.failed", "job.canceled", "batch.finished"]


class EventView(TypedDict):
    """The body of a webhook: what has ended and when, and the job or batch as it is now."""

    type: EventType
    timestamp: str | None
    data: JobView | BatchView


class TryView(TypedDict):
    """One call of a receiver; `error` is null when it took the webhook."""

    at: str | None
    status_code: int | None
    error: str | None
    duration_ms: int


class _DeliveriesView(TypedDict):
    webhook_url: str | None
    webhook_id: str | None
    status: DeliveryStatus
    next_try_at: str | None
    tries: list[TryView]


class JobDeliveriesView(_DeliveriesView):
    """What became of a job's webhook."""

    job_id: str


class BatchDeliveriesView(_DeliveriesView):
    """What became of a batch's webhook."""

    batch_id: str


def job_event(job: Job, data: JobView) -> EventView:
    """Return what the end of a job is told by."""
    types: dict[str, EventType] = {"succeeded": "job.succeeded", "canceled": "job.canceled"}
    ended = types.get(job.status, "job.failed")
    return {"type": ended, "timestamp": in_utc(job.finished), "data": data}


def batch_event(batch: Batch, data: BatchView) -> EventView:
    """Return what the end of a batch is told by."""
    return {"type": "batch.finished", "timestamp": in_utc(batch.finished), "data": data}


def deliveries_view(
    thing: Job | Batch, told: Deliveries
) -> JobDeliveriesView | BatchDeliveriesView:
    """Return what became of a webhook, in the shape of the contract."""
    common: _DeliveriesView = {
        "webhook_url": thing.webhook or None,
        "webhook_id": webhook_id(thing) if thing.webhook else None,
        "status": told.status,
        "next_try_at": in_utc(told.next_try),
        "tries": [_try(each) for each in told.tries],
    }
    if isinstance(thing, Batch):
        return {"batch_id": thing.id, **common}
    return {"job_id": thing.id, **common}


def _try(told: Try) -> TryView:
    return {
        "at": in_utc(told.at),
        "status_code": told.status_code,
        "error": told.error,
        "duration_ms": told.duration_ms,
    }
