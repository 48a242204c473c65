"""A job's whole life in a worker, as plain Python: claim, call, check, write, record."""

import logging
import secrets
import time

from shared.errors import (
    DefectAfterCall,
    JobFault,
    ProviderAuth,
    ProviderCredits,
    ProviderFault,
    RateLimited,
    Retryable,
    StoreUnavailable,
)
from shared.image_file import ImageInfo
from shared.image_store import StorageAway
from shared.jobs import Job
from shared.logs import request_id
from shared.moves import Release
from shared.operations import BY_NAME
from worker.cooking import collect, start
from worker.departures import SlotMissed
from worker.endings import credits_after, finish_from_disk, retry_rule
from worker.leases import LEASE_MS, Lease, LeaseLost, lease_clock
from worker.preparing import prepared_input
from worker.wire import Outgoing, build_request
from worker.workshop import (
    Workshop,
    deliver,
    give_up,
    hand_back,
    note_answer,
    note_failure,
    pause_everybody,
    wait_for_turn,
)

_log = logging.getLogger(__name__)
_STORAGE_PAUSE_MS = 5_000
_REFUSED_PAUSE_MS = 1_000


def make_image(job_id: str, shop: Workshop) -> None:
    """Run a job to its end, or hand it back; a second message for the same job does nothing."""
    request_id.set("")  # this thread has made other jobs before
    claim, claimed = secrets.token_hex(8), lease_clock()
    try:
        job = shop.store.claim(job_id, claim, LEASE_MS)
        if job is None:
            _log.info("nothing to do for this message")
            return
        request_id.set(job.request_id)
        _log.info("took a job", extra={"variant": job.variant, "calls_before": job.attempts})
        with shop.leases.keep(job_id, Lease(claim, claimed)) as lease:
            _run(job, lease, shop)
    except StoreUnavailable:
        # the lease runs out and the sweeper decides, by what the record says by then
        _log.warning("lost the job store in the middle of a job")


def _run(job: Job, lease: Lease, shop: Workshop) -> None:
    try:
        _make(job, lease, shop)
    except LeaseLost:
        _log.warning("a call was not sent: its lease had run out")
        hand_back(job, lease, Release(take_back_attempt=True), shop)
    except SlotMissed:
        _log.warning("a call was not sent: its connection took too long for its slot")
        hand_back(job, lease, Release(take_back_attempt=True), shop)
    except Retryable as fault:
        _again_or_fail(job, lease, fault, shop)
    except (ProviderAuth, ProviderCredits) as fault:
        _refused(job, lease, fault, shop)
    except JobFault as fault:
        if isinstance(fault, ProviderFault) and lease.sent:
            note_answer(job, shop)
        give_up(job, lease, fault, shop)
    except StoreUnavailable:
        raise
    except StorageAway as away:
        # before the call, or when the image is there already and can't be read now
        _log.warning("a job waits for the storage", extra={"storage": away.strerror})
        cost = job.estimate if lease.sent else 0
        hand_back(job, lease, Release(_STORAGE_PAUSE_MS), shop, cost=cost)
    except Exception:  # noqa: BLE001 - a job must not stay running for a defect of ours
        _log.exception("a defect ended a job")
        give_up(job, lease, _defect(lease), shop)


def _make(job: Job, lease: Lease, shop: Workshop) -> None:
    if finish_from_disk(job, shop):
        return
    if trouble := shop.images.trouble():
        _log.warning("no call is started: storage is in trouble", extra={"storage": trouble})
        hand_back(job, lease, Release(_STORAGE_PAUSE_MS), shop)
    elif job.provider_id:
        collect(job, lease, shop)
    else:
        _call(job, lease, shop)


def _call(job: Job, lease: Lease, shop: Workshop) -> None:
    """Send the paid call of a job, when its turn has come."""
    source, outgoing = _prepare(job, shop)
    if wait_for_turn(job, lease, shop) is None:
        return
    lease.sent = True
    _log.info("calls the provider", extra={"operation": job.operation})
    if BY_NAME[job.operation].asynchronous:
        start(job, outgoing, lease, shop)
        return
    begun = time.monotonic()
    image = shop.provider.call(outgoing, shop.departures.check(lease))
    note_answer(job, shop)
    deliver(job, image, source, round((time.monotonic() - begun) * 1000), shop)


def _prepare(job: Job, shop: Workshop) -> tuple[ImageInfo | None, Outgoing]:
    operation, key = BY_NAME[job.operation], shop.settings.provider_key
    if not job.input:
        return None, build_request(operation, job.variant, job.request, None, key)
    image = prepared_input(job, shop.images)
    return image.info, build_request(operation, job.variant, job.request, image.data, key)


def _again_or_fail(job: Job, lease: Lease, fault: Retryable, shop: Workshop) -> None:
    outage = False
    if isinstance(fault, RateLimited):
        pause_everybody(fault, shop)
    else:
        outage = note_failure(job, fault, shop) != "closed"
    again = retry_rule(job, fault, shop.settings, outage=outage)
    if again is None:
        give_up(job, lease, fault, shop)
    else:
        _log.warning("a call is repeated", extra={"reason": fault.error_code})
        hand_back(job, lease, again, shop, cost=credits_after(job, fault))


def _refused(job: Job, lease: Lease, fault: ProviderAuth | ProviderCredits, shop: Workshop) -> None:
    """End the job that finds that the provider refuses us; what meets it after that waits."""
    if note_failure(job, fault, shop) == "open":
        why = Release(_REFUSED_PAUSE_MS, take_back_attempt=True, trouble=fault.error_code)
        hand_back(job, lease, why, shop)
    else:
        give_up(job, lease, fault, shop)


def _defect(lease: Lease) -> JobFault:
    if lease.sent:
        return DefectAfterCall("Something went wrong in this service after the call was sent")
    return JobFault("Something went wrong in this service")
