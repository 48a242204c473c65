"""A job's whole life in a worker, as plain Python: claim, call, check, write, record."""

import logging
import secrets
import threading
import time
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from shared.errors import (
    BrokenImage,
    DefectAfterCall,
    JobFault,
    RateLimited,
    Retryable,
    StorageError,
    StoreUnavailable,
)
from shared.image_file import ImageInfo, inspect
from shared.image_store import ImageStore
from shared.job_store import JobStore
from shared.jobs import Job
from shared.logs import request_id
from shared.moves import Release
from shared.operations import BY_NAME
from shared.settings import Settings
from worker.endings import (
    credits_after,
    fail,
    finish_from_disk,
    result_of,
    retry_rule,
    settle,
    succeed,
)
from worker.leases import LEASE_MS, Lease, Leases, for_a_while, insist
from worker.pictures import checked
from worker.wire import Outgoing, ProviderImage, build_request

_log = logging.getLogger(__name__)
# A wait for a slot holds a thread: a longer one goes back into the queue.
_LONGEST_SLOT_WAIT_MS = 3_000
_STORAGE_PAUSE_MS = 5_000
_WRITE_TRIES = 5
_WRITE_PAUSE_SECONDS = 1.0


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
    claim, claimed = secrets.token_hex(8), time.monotonic()
    try:
        job = shop.store.claim(job_id, claim, LEASE_MS)
        if job is None:
            _log.info("nothing to do for this message")
            return
        request_id.set(job.request_id)
        with shop.leases.keep(job_id, Lease(claim, claimed)) as lease:
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
        _fail(job, lease, fault, shop)
    except StoreUnavailable:
        raise
    except Exception:  # noqa: BLE001 - a job must not stay running for a defect of ours
        _log.exception("a defect ended a job")
        _fail(job, lease, _defect(lease), shop)


def _make(job: Job, lease: Lease, shop: Workshop) -> None:
    if finish_from_disk(job, shop):
        return
    if trouble := shop.images.trouble():
        _log.warning("no call is started: storage is in trouble", extra={"storage": trouble})
        _release(job, lease, Release(_STORAGE_PAUSE_MS, trouble=StorageError.error_code), shop)
        return
    source, outgoing = _prepare(job, shop)
    if not _wait_for_turn(job, lease, shop):
        return
    lease.sent = True
    begun = time.monotonic()
    image = shop.provider.call(outgoing)
    provider_ms = round((time.monotonic() - begun) * 1000)
    data, info = checked(image.data, job, source)
    if not _write(job.image, data, shop):
        # another attempt was quicker, and its image stays
        insist(partial(finish_from_disk, job, shop), for_a_while())
        return
    made = partial(
        succeed,
        job,
        shop,
        provider_ms=provider_ms,
        provider_request_id=image.request_id,
        result=result_of(info, len(data), image.seed),
        credits=job.estimate,
    )
    insist(made, for_a_while())


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
    ask = partial(shop.store.begin_call, job.id, lease.claim, _LONGEST_SLOT_WAIT_MS)
    while not shop.stopping.is_set():
        turn = insist(ask, lease.alive)
        if turn.word == "go":
            if lease.alive():
                return True
            # this process was frozen: the call may be another's by now, and was not sent from here
            _release(job, lease, Release(take_back_attempt=True), shop)
            return False
        if turn.word == "stale":
            return False
        if turn.word == "later":
            _release(job, lease, Release(pause_ms=turn.ms), shop)
            return False
        shop.stopping.wait(turn.ms / 1000)
    _release(job, lease, Release(), shop)
    return False


def _write(name: str, data: bytes, shop: Workshop) -> bool:
    """Write an image that is paid for, trying again from memory; False when one is there already."""
    for attempt in range(1, _WRITE_TRIES):
        try:
            return shop.images.put(name, data)
        except OSError as error:
            _log.warning("could not write an image", extra={"reason": error.strerror})
            time.sleep(_WRITE_PAUSE_SECONDS * attempt)
    try:
        return shop.images.put(name, data)
    except OSError as error:
        raise StorageError("The image was made and could not be stored") from error


def _again_or_fail(job: Job, lease: Lease, fault: Retryable, shop: Workshop) -> None:
    if isinstance(fault, RateLimited):
        insist(partial(shop.store.pause, round(fault.retry_after * 1000)), for_a_while())
    again = retry_rule(job, fault, shop.settings)
    if again is None:
        _fail(job, lease, fault, shop)
    else:
        _log.warning("a call is repeated", extra={"reason": fault.error_code})
        _release(job, lease, again, shop, cost=credits_after(job, fault))


def _defect(lease: Lease) -> JobFault:
    if lease.sent:
        return DefectAfterCall("Something went wrong in this service after the call was sent")
    return JobFault("Something went wrong in this service")


def _fail(job: Job, lease: Lease, fault: JobFault, shop: Workshop) -> None:
    insist(partial(fail, job, lease.claim, fault, shop), for_a_while())


def _release(job: Job, lease: Lease, why: Release, shop: Workshop, cost: int | None = 0) -> None:
    """Hand a job back; when it was canceled meanwhile, tell what its call cost (0: none was sent)."""
    released = insist(partial(shop.store.release, job.id, lease.claim, why), for_a_while())
    if not released:
        insist(partial(settle, job, cost, shop), for_a_while())
