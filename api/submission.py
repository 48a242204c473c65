"""From a request to accepted jobs: validated, stored, dispatched."""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.uploads import NOT_A_FILE, Upload, limit_problems, read_upload
from api.validation import Envelope, Order, read_order
from shared.batches import Batch
from shared.errors import InvalidRequest, QueueFull, StorageUnavailable, StoreUnavailable
from shared.jobs import Job, new_image_name, new_job_id
from shared.logs import job_id as logged_job_id
from shared.logs import request_id
from shared.moves import Accepted, AcceptedBatch, Replay
from shared.operations import price
from shared.queue import dispatch
from shared.services import Services
from shared.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """One job to be: a valid order and, for an upscale, its image."""

    order: Order
    upload: Upload | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be accepted: one piece or, with the `batch` that they are, several."""

    pieces: tuple[Piece, ...]
    batch: Envelope | None = None
    retry_of: str = ""


Read = Callable[[Body, Settings, Sequence[Complaint]], Submission]


def read_generate(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Return what a request to make an image asks for; raise InvalidRequest with every fault.

    `faults` are those found outside the order itself; they are told last.
    """
    order, found = read_order("generate", body, settings)
    found += [complaint(name, NOT_A_FILE) for name in body.files]
    if order is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission((Piece(order),))


def read_upscale(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Return what a request to enlarge an image asks for; raise InvalidRequest with every fault."""
    upload, found = read_upload(body.files, settings)
    order, more = read_order("upscale", body, settings)
    found += more
    if upload and order and order.operation.input and not found:
        found = limit_problems(upload.info, order.operation.input)
    if order is None or upload is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission((Piece(order, upload),))


def accept(
    submission: Submission, services: Services, replay: Replay | None
) -> Accepted | AcceptedBatch:
    """Store the jobs, from here on kept whatever dies, and start what can start; raise QueueFull."""
    batch = _batch(submission)
    jobs = _jobs(submission, batch, services.settings)
    kept = False
    try:
        _store_inputs(jobs, submission.pieces, services)
        accepted = _stored(batch, jobs, services, replay)
        kept = accepted is not None and not accepted.replayed
    except StoreUnavailable:
        kept = True  # nobody knows whether the jobs were accepted, and then they need their inputs
        raise
    finally:
        if not kept:
            _drop_inputs(jobs, services)
    if accepted is None:
        raise QueueFull("The queue is full; try again later", services.settings.queue_max_jobs)
    _tell(accepted)
    dispatch(services.store, services.queue)
    return accepted


def estimate(submission: Submission, settings: Settings) -> int:
    """Return what all of it would cost, in thousandths of a credit."""
    prices = settings.price_overrides
    return sum(price(piece.order.variant, prices) for piece in submission.pieces)


def _stored(
    batch: Batch | None, jobs: Sequence[Job], services: Services, replay: Replay | None
) -> Accepted | AcceptedBatch | None:
    longest = services.settings.queue_max_jobs
    if batch is None:
        return services.store.accept(jobs[0], longest, replay)
    return services.store.accept_batch(batch, jobs, longest, replay)


def _batch(submission: Submission) -> Batch | None:
    told = submission.batch
    if told is None:
        return None
    return Batch(
        id=new_job_id(),
        metadata=told.metadata,
        request_id=request_id.get(),
        webhook=told.webhook_url or "",
    )


def _jobs(submission: Submission, batch: Batch | None, settings: Settings) -> list[Job]:
    # the queue orders what came at the same moment by its id: so the order of the request is kept
    ids = sorted(new_job_id() for _ in submission.pieces)
    return [
        _job(job_id, piece, batch.id if batch else "", submission.retry_of, settings)
        for job_id, piece in zip(ids, submission.pieces, strict=True)
    ]


def _job(job_id: str, piece: Piece, batch: str, retry_of: str, settings: Settings) -> Job:
    order, upload = piece.order, piece.upload
    return Job(
        id=job_id,
        kind=order.kind,
        operation=order.operation.name,
        variant=order.variant,
        request=order.request,
        image=new_image_name(order.request["output_format"]),
        input=new_image_name(upload.info.format) if upload else "",
        estimate=price(order.variant, settings.price_overrides),
        created=0,
        deadline=order.deadline_seconds * 1000,
        request_id=request_id.get(),
        metadata=order.metadata,
        batch=batch,
        retry_of=retry_of,
        webhook=order.webhook,
    )


def _store_inputs(jobs: Sequence[Job], pieces: Sequence[Piece], services: Services) -> None:
    try:
        for job, piece in zip(jobs, pieces, strict=True):
            if piece.upload:
                services.images.put_input(job.input, piece.upload.read())
    except OSError as error:
        _log.exception("could not store an upload")
        raise StorageUnavailable("The image could not be stored; nothing was queued") from error


def _drop_inputs(jobs: Sequence[Job], services: Services) -> None:
    for job in jobs:
        if job.input:
            with suppress(OSError):  # what keeps it there is told by the fault that brought us here
                services.images.delete_input(job.input)


def _tell(accepted: Accepted | AcceptedBatch) -> None:
    facts: dict[str, object] = {"replayed": accepted.replayed}
    if isinstance(accepted, AcceptedBatch):
        _log.info("accepted a batch", extra={**facts, "jobs": accepted.batch.total})
        return
    job = accepted.job
    logged_job_id.set(job.id)
    _log.info("accepted a job", extra={"kind": job.kind, "variant": job.variant, **facts})
