"""From a request to an accepted job: validated, stored, dispatched."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from api.bodies import Body
from api.complaints import Complaint, complaint
from api.uploads import NOT_A_FILE, Upload, limit_problems, read_upload
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
    """What is to be accepted: a valid order and, for an upscale, its image."""

    order: Order
    upload: Upload | None = None


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
    """Return what a request to enlarge an image asks for; raise InvalidRequest with every fault."""
    upload, found = read_upload(body.files, settings)
    order, more = read_order("upscale", body, settings)
    found += more
    if upload and order and order.operation.input and not found:
        found = limit_problems(upload.info, order.operation.input)
    if order is None or upload is None or found or faults:
        raise InvalidRequest([*found, *faults])
    return Submission(order, upload)


def accept(submission: Submission, services: Services, replay: Replay | None) -> Accepted:
    """Store a job, from here on kept whatever dies, and start what can start; raise QueueFull."""
    job, upload = _job(submission, services), submission.upload
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
    logged_job_id.set(accepted.job.id)
    facts = {"kind": job.kind, "variant": job.variant, "replayed": accepted.replayed}
    _log.info("accepted a job", extra=facts)
    dispatch(services.store, services.queue)
    return accepted


def _job(submission: Submission, services: Services) -> Job:
    order, upload = submission.order, submission.upload
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
