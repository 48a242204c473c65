"""A job's whole life in a worker, as plain Python: claim, call, check, write, record."""

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Protocol

from shared.errors import (
    BrokenImage,
    JobFault,
    OutcomeUnknown,
    ProviderUnavailable,
    RateLimited,
    Retryable,
    ServerError,
    StorageError,
    StoreUnavailable,
)
from shared.image_file import ImageInfo, inspect
from shared.image_store import ImageStore
from shared.job_store import JobStore, Release
from shared.jobs import Job
from shared.logs import request_id
from shared.operations import BY_NAME
from shared.settings import Settings
from worker.leases import LEASE_MS, Lease, Leases
from worker.pictures import checked
from worker.wire import Outgoing, ProviderImage, build_request

_log = logging.getLogger(__name__)
# A wait for a slot holds a thread: a longer one goes back into the queue.
_LONGEST_SLOT_WAIT_MS = 3_000
_LONGEST_PAUSE_MS = 15_000
_WRITE_TRIES = 5
_WRITE_PAUSE_SECONDS = 1.0


class Keeping(Protocol):
    """Where jobs and images are kept; a Workshop and Services both are that."""

    @property
    def store(self) -> JobStore:
        """The job store."""
        ...

    @property
    def images(self) -> ImageStore:
        """The image store."""
        ...


class Provider(Protocol):
    """What makes the pictures."""

    def call(self, outgoing: Outgoing) -> ProviderImage:
        """Return an image or raise a ProviderFault."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a job needs to be made: built once a worker."""

    settings: Settings
    store: JobStore
    images: ImageStore
    provider: Provider
    leases: Leases
    stopping: threading.Event


def make_image(job_id: str, shop: Workshop) -> None:
    """Run a job to its end, or hand it back; a second message for the same job does nothing."""
    claim = secrets.token_hex(8)
    try:
        job = shop.store.claim(job_id, claim, LEASE_MS)
        if job is None:
            _log.info("nothing to do for this message")
            return
        request_id.set(job.request_id)
        with shop.leases.keep(job_id, claim) as lease:
            _run(job, lease, shop)
    except StoreUnavailable:
        # the lease runs out and the sweeper decides, by what the record says by then
        _log.warning("lost the job store in the middle of a job")


def _run(job: Job, lease: Lease, shop: Workshop) -> None:
    try:
        _make(job, lease, shop)
    except Retryable as fault:
        _again_or_fail(job, lease, fault, shop)
    except JobFault as fault:
        fail(job, lease.claim, fault, shop)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - a job must not stay running for a defect of ours
        _log.exception("a defect ended a job")
        fail(job, lease.claim, JobFault("Something went wrong in this service"), shop)


def _make(job: Job, lease: Lease, shop: Workshop) -> None:
    if finish_from_disk(job, shop):
        return
    source, outgoing = _prepare(job, shop)
    if not _wait_for_turn(job, lease, shop):
        return
    begun = time.monotonic()
    image = shop.provider.call(outgoing)
    provider_ms = round((time.monotonic() - begun) * 1000)
    data, info = checked(image.data, job, source)
    _write(job.image, data, shop)
    _succeed(
        job,
        shop,
        provider_ms=provider_ms,
        provider_request_id=image.request_id,
        result=_result(info, len(data), image.seed),
        credits=job.estimate,
    )


def finish_from_disk(job: Job, kept: Keeping) -> bool:
    """End a job whose image an earlier attempt has written; its seed went with that attempt."""
    path = kept.images.find(job.image)
    if path is None:
        return False
    try:
        data = path.read_bytes()
        info = inspect(data)
    except (OSError, BrokenImage):
        return False
    result = _result(info, len(data), None)
    _succeed(job, kept, result=result, credits=job.estimate)
    return True


def _prepare(job: Job, shop: Workshop) -> tuple[ImageInfo | None, Outgoing]:
    operation = BY_NAME[job.operation]
    image = source = None
    if job.input:
        try:
            image = shop.images.read_input(job.input)
            source = inspect(image)
        except (OSError, BrokenImage) as error:
            raise JobFault("The uploaded image is no longer there") from error
    key = shop.settings.provider_key
    return source, build_request(operation, job.variant, job.request, image, key)


def _wait_for_turn(job: Job, lease: Lease, shop: Workshop) -> bool:
    """Return True when the call may be sent now; else the job is back in the queue, or another's."""
    while not shop.stopping.is_set():
        turn = shop.store.begin_call(job.id, lease.claim, _LONGEST_SLOT_WAIT_MS)
        if turn.word == "go":
            if lease.alive():
                return True
            # this process was frozen: the call may be another's by now, and was not sent from here
            shop.store.release(job.id, lease.claim, Release(take_back_attempt=True))
            return False
        if turn.word == "stale":
            return False
        if turn.word == "later":
            shop.store.release(job.id, lease.claim, Release(pause_ms=turn.ms))
            return False
        shop.stopping.wait(turn.ms / 1000)
    shop.store.release(job.id, lease.claim, Release())
    return False


def _write(name: str, data: bytes, shop: Workshop) -> None:
    """Write an image that is paid for, trying again from memory."""
    for attempt in range(1, _WRITE_TRIES + 1):
        try:
            shop.images.put(name, data)
        except OSError as error:
            _log.warning("could not write an image", extra={"reason": error.strerror})
            if attempt == _WRITE_TRIES:
                raise StorageError("The image was made and could not be stored") from error
            time.sleep(_WRITE_PAUSE_SECONDS * attempt)
        else:
            return


def _result(info: ImageInfo, size: int, seed: int | None) -> dict[str, object]:
    return {
        "format": info.format,
        "width": info.width,
        "height": info.height,
        "bytes": size,
        "seed": seed,
    }


def _succeed(job: Job, kept: Keeping, **fields: object) -> None:
    if kept.store.succeed(job.id, **fields):
        _log.info("made an image", extra={"provider_ms": fields.get("provider_ms")})
    _drop_input(job, kept)


def fail(job: Job, claim: str, fault: JobFault, kept: Keeping) -> None:
    """End a job with a fault."""
    credits = job.estimate if fault.charged else 0
    fields = {"error_code": fault.error_code, "error": fault.message, "credits": credits}
    if isinstance(fault, OutcomeUnknown):
        del fields["credits"]  # nobody knows
    if kept.store.fail(job.id, claim, **fields):
        _log.info("a job failed", extra={"error_code": fault.error_code})
        _drop_input(job, kept)


def _drop_input(job: Job, kept: Keeping) -> None:
    if job.input:
        kept.images.delete_input(job.input)


def _again_or_fail(job: Job, lease: Lease, fault: Retryable, shop: Workshop) -> None:
    if isinstance(fault, RateLimited):
        shop.store.pause(round(fault.retry_after * 1000))
    again = retry_rule(job, fault, shop.settings)
    if again is None:
        fail(job, lease.claim, fault, shop)
    else:
        _log.warning("a call is repeated", extra={"reason": fault.error_code})
        shop.store.release(job.id, lease.claim, again)


def retry_rule(job: Job, fault: Retryable, settings: Settings) -> Release | None:
    """Decide whether a call may be repeated, by what it may have cost; None means no.

    `job` is the record from before the call. A call that never ran is repeated until the job's
    deadline, one that surely failed within `MAX_ATTEMPTS`, one whose outcome is unknown at most
    `RETRY_UNKNOWN_OUTCOME` times and only while it costs no more than `RETRY_UNKNOWN_MAX_CREDITS`.
    """
    code = fault.error_code
    if isinstance(fault, ProviderUnavailable):
        pause = min(2_000 * 2 ** min(job.unreached, 3), _LONGEST_PAUSE_MS)
        return Release(pause, counter="unreached", take_back_attempt=True, trouble=code)
    if isinstance(fault, ServerError):
        if job.attempts + 1 >= settings.max_attempts:
            return None
        return Release(min(1_000 * 2**job.attempts, _LONGEST_PAUSE_MS), trouble=code)
    dear = job.estimate > settings.retry_unknown_max_credits * 1000
    if dear or job.unknown >= settings.retry_unknown_outcome:
        return None
    return Release(1_000, counter="unknown", trouble=code)
