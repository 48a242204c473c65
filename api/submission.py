"""From a request to an accepted job: validated, stored, dispatched."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.sources import Source, fetch, read_source
from api.uploads import NOT_A_FILE, Upload, limit_problems
from api.validation import Order, read_order
from shared.errors import InvalidRequest, QueueFull, StorageUnavailable, StoreUnavailable
from shared.jobs import Job, new_image_name, new_job_id
from shared.logs import job_id as logged_job_id
from shared.logs import request_id
from shared.moves import Accepted, Replay
from shared.operations import price
from shared.queue import dispatch
from shared.services import Services
from shared.settings import Settings

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submission:
    """What is to be accepted: a valid order and, for an upscale, where its image comes from."""

    order: Order
    source: Source | None = None


def read_generate(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Return what a request to make an image asks for; raise InvalidRequest with every fault.

    `faults` are those found outside the order itself; they are told last.
    """
    order, found = read_order("generate", body, settings)
    found += [complaint(name, NOT_A_FILE) for name in body.files]
    if order is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission(order)


def read_upscale(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Return what a request to enlarge an image asks for; raise InvalidRequest with every fault.

    What the image is that a request only names is not known yet, nor whether it can be fetched.
    """
    source, found, body = read_source(body, settings)
    order, more = read_order("upscale", body, settings)
    found += more
    if source and source.upload and order and not found:
        found = _limit_problems(source.upload, order)
    if order is None or source is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission(order, source)


def accept(submission: Submission, services: Services, replay: Replay | None) -> Accepted:
    """Store a job, from here on kept whatever dies, and start what can start; raise QueueFull.

    An image that is only named is fetched now, unless this is a replay; raises InvalidRequest.
    """
    first = services.store.find_replay(replay) if replay else None
    accepted = (
        Accepted(first, replayed=True) if first else _accept_new(submission, services, replay)
    )
    job = accepted.job
    logged_job_id.set(job.id)
    facts = {"kind": job.kind, "variant": job.variant, "replayed": accepted.replayed}
    _log.info("accepted a job", extra=facts)
    dispatch(services.store, services.queue)
    return accepted


def _accept_new(submission: Submission, services: Services, replay: Replay | None) -> Accepted:
    upload = _fetched(submission, services)
    job = _job(submission.order, upload, services)
    if upload:
        _store_input(job.input, upload.data, services)
    kept = False
    try:
        accepted = services.store.accept(job, services.settings.queue_max_jobs, replay)
        kept = accepted is not None and not accepted.replayed
    except StoreUnavailable:
        kept = True  # nobody knows whether the job was accepted, and then it needs its input
        raise
    finally:
        if upload and not kept:
            services.images.delete_input(job.input)
    if accepted is None:
        raise QueueFull("The queue is full; try again later")
    return accepted


def _fetched(submission: Submission, services: Services) -> Upload | None:
    if submission.source is None:
        return None
    upload = fetch(submission.source, services)
    if problems := _limit_problems(upload, submission.order):
        raise InvalidRequest(problems)
    return upload


def _limit_problems(upload: Upload, order: Order) -> list[Complaint]:
    return limit_problems(upload, order.operation.input) if order.operation.input else []


def _job(order: Order, upload: Upload | None, services: Services) -> Job:
    return Job(
        id=new_job_id(),
        kind=order.kind,
        operation=order.operation.name,
        variant=order.variant,
        request=order.request,
        image=new_image_name(order.request["output_format"]),
        input=new_image_name(upload.info.format) if upload else "",
        estimate=price(order.variant, services.settings.price_overrides),
        created=0,
        deadline=order.deadline_seconds * 1000,
        request_id=request_id.get(),
        metadata=order.metadata,
    )


def _store_input(name: str, data: bytes, services: Services) -> None:
    try:
        services.images.put_input(name, data)
    except OSError as error:
        _log.exception("could not store an upload")
        raise StorageUnavailable("The image could not be stored; nothing was queued") from error
