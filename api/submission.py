"""From a request to accepted jobs: validated, stored, dispatched."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.sources import Source, fetch, read_source
from api.uploads import NOT_A_FILE, Upload, limit_problems
from api.validation import Envelope, Order, read_order
from shared.batches import Batch
from shared.errors import InvalidRequest, StorageUnavailable, StoreUnavailable
from shared.jobs import Job, input_name, new_image_name, new_job_id
from shared.logs import job_id as logged_job_id
from shared.logs import request_id
from shared.moves import Accepted, AcceptedBatch, Replay
from shared.operations import price
from shared.queue import send
from shared.services import Services
from shared.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Piece:
    """One job to be: a valid order and, for an upscale, where its image comes from."""

    order: Order
    source: Source | None = None


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
    """Return what a request to enlarge an image asks for; raise InvalidRequest with every fault.

    What the image is that a request only names is not known yet, nor whether it can be fetched.
    """
    source, found, body = read_source(body, settings)
    order, more = read_order("upscale", body, settings)
    found += more
    if source and source.upload and order and not found:
        found = misfits(source.upload, order)
    if order is None or source is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission((Piece(order, source),))


def misfits(upload: Upload, order: Order) -> list[Complaint]:
    """Return where an image is outside what the order's operation accepts."""
    return limit_problems(upload, order.operation.input) if order.operation.input else []


def accepted_before(
    submission: Submission, services: Services, replay: Replay | None, owner: str
) -> Accepted | AcceptedBatch | None:
    """Return what was accepted when the same request came first, if it did; as it is now.

    Only a look, ahead of every limit and fetch: `accept` decides. Without them it is not taken.
    """
    if replay is None and _takes_long(submission):
        services.store.check()  # who can't be served is told so now, and not after the fetch
    limited = services.settings.limits.of(owner).requests_per_minute is not None
    uploads = any(piece.source for piece in submission.pieces)
    if not (limited or uploads or _takes_long(submission)):
        return None
    accepted: Accepted | AcceptedBatch | None = None
    entry = services.store.find_replay(replay) if replay else None
    if entry and submission.batch:
        batch = services.index.batch(entry)
        accepted = AcceptedBatch(batch, replayed=True) if batch else None
    elif entry:
        job = services.store.get(entry)
        accepted = Accepted(job, replayed=True) if job else None
    if accepted:
        _tell(accepted)
    return accepted


def accept(
    submission: Submission,
    services: Services,
    replay: Replay | None,
    owner: str,
    *,
    place: bool = False,
) -> Accepted | AcceptedBatch:
    """Store an owner's jobs, from here on kept whatever dies, and start what can start; raise OverLimit.

    An image that is only named is fetched now; raises InvalidRequest. `place`: tell where a job stands.
    """
    uploads = [_fetched(piece, services) for piece in submission.pieces]
    batch = _batch(submission, owner)
    jobs = _jobs(submission, uploads, batch, owner, services.settings)
    kept = False
    try:
        _store_inputs(jobs, uploads, services)
        accepted = _stored(batch, jobs, services, replay, place=place)
        kept = not accepted.replayed
    except StoreUnavailable:
        kept = True  # nobody knows whether the jobs were accepted, and then they need their inputs
        raise
    finally:
        if not kept:
            _drop_inputs(jobs, services)
    _tell(accepted)
    send(accepted.started, services.queue)
    return accepted


def _takes_long(submission: Submission) -> bool:
    """Tell whether addresses that a request names are looked up or fetched before it is accepted."""
    named = [
        piece.order.webhook or (piece.source and piece.source.url) for piece in submission.pieces
    ]
    return any(named) or bool(submission.batch and submission.batch.webhook_url)


def _fetched(piece: Piece, services: Services) -> Upload | None:
    if piece.source is None:
        return None
    upload = fetch(piece.source, services)
    if problems := misfits(upload, piece.order):
        raise InvalidRequest(list(problems))
    return upload


def estimate(submission: Submission, settings: Settings) -> int:
    """Return what all of it would cost, in thousandths of a credit."""
    prices = settings.price_overrides
    return sum(price(piece.order.variant, prices) for piece in submission.pieces)


def _stored(
    batch: Batch | None,
    jobs: Sequence[Job],
    services: Services,
    replay: Replay | None,
    *,
    place: bool,
) -> Accepted | AcceptedBatch:
    settings = services.settings
    limits = (settings.queue_max_jobs, replay, settings.day_budget)
    if batch is None:
        return services.store.accept(jobs[0], *limits, start=True, place=place)
    return services.store.accept_batch(batch, jobs, *limits, start=True)


def _batch(submission: Submission, owner: str) -> Batch | None:
    told = submission.batch
    if told is None:
        return None
    return Batch(
        id=new_job_id(),
        owner=owner,
        metadata=told.metadata,
        request_id=request_id.get(),
        webhook=told.webhook_url or "",
    )


def _jobs(
    submission: Submission,
    uploads: Sequence[Upload | None],
    batch: Batch | None,
    owner: str,
    settings: Settings,
) -> list[Job]:
    # the queue orders what came at the same moment by its id: so the order of the request is kept
    ids = sorted(new_job_id() for _ in submission.pieces)
    plan = zip(ids, submission.pieces, uploads, strict=True)
    of, again = batch.id if batch else "", submission.retry_of
    jobs = (_job(job_id, piece.order, upload, settings) for job_id, piece, upload in plan)
    return [replace(job, owner=owner, batch=of, retry_of=again) for job in jobs]


def _job(job_id: str, order: Order, upload: Upload | None, settings: Settings) -> Job:
    return Job(
        id=job_id,
        kind=order.kind,
        operation=order.operation.name,
        variant=order.variant,
        request=order.request,
        image=new_image_name(order.request["output_format"]),
        input=input_name(job_id, upload.info.format) if upload else "",
        estimate=price(order.variant, settings.price_overrides),
        created=0,
        deadline=order.deadline_seconds * 1000,
        request_id=request_id.get(),
        metadata=order.metadata,
        webhook=order.webhook,
    )


def _store_inputs(
    jobs: Sequence[Job], uploads: Sequence[Upload | None], services: Services
) -> None:
    try:
        for job, upload in zip(jobs, uploads, strict=True):
            if upload:
                services.images.put_input(job.input, upload.read())
                time.sleep(0)  # a batch has many: let other callers of this process in between
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
        batch = accepted.batch
        _log.info("accepted a batch", extra={"batch_id": batch.id, "jobs": batch.total, **facts})
        return
    job = accepted.job
    logged_job_id.set(job.id)
    _log.info("accepted a job", extra={"kind": job.kind, "variant": job.variant, **facts})
