"""What was lost is found and what is overdue is ended; any number of workers may do it at once."""

import logging
import secrets
from functools import partial

from shared.errors import (
    DeadlinePassed,
    JobFault,
    OutcomeUnknown,
    ProviderAuth,
    ProviderCredits,
    ProviderUnavailable,
    ResultLost,
)
from shared.jobs import Job
from shared.logs import about
from shared.moves import Release
from shared.services import Services
from worker.endings import fail, finish_from_disk, retry_rule
from worker.leases import LEASE_MS
from worker.steps import attempt
from worker.workshop import POLL_MS

_log = logging.getLogger(__name__)


def sweep(services: Services) -> None:
    """Put back what was lost, and end what is past its deadline."""
    store = services.store
    claim = secrets.token_hex(8)
    found = store.sweep(claim, LEASE_MS)
    if found.put_back:
        _log.warning("messages were lost, their jobs wait again", extra={"jobs": found.put_back})
    for job_id in found.orphans:
        attempt(partial(_take_over, job_id, claim, services))
    for job_id in found.overdue:
        attempt(partial(_end_overdue, job_id, services))


def _take_over(job_id: str, claim: str, services: Services) -> None:
    """Decide about a job whose worker is gone: its call was not sent, or was, or is known to cook."""
    store = services.store
    job = store.get(job_id)
    if job is None or job.claim != claim:
        return
    with about(job.id, job.request_id):
        if not finish_from_disk(job, services):
            _decide(job, services)


def _decide(job: Job, services: Services) -> None:
    """Let a job go again, or end it, by what its record says of its call."""
    store = services.store
    if job.provider_id:
        # its worker may have asked for the result just before it was lost
        store.release(job.id, job.claim, Release(POLL_MS))
        return
    if job.sent is None:
        store.release(job.id, job.claim, Release())
        return
    fault = OutcomeUnknown(
        "A worker was lost in the middle of the call; whether it was charged is unknown"
    )
    again = retry_rule(job, fault, services.settings)
    if again is None:
        fail(job, job.claim, fault, services)
    else:
        _log.warning("a worker was lost, its call is repeated")
        store.release(job.id, job.claim, again)


def _end_overdue(job_id: str, services: Services) -> None:
    job = services.store.get(job_id)
    if job is None or job.terminal:
        return
    with about(job.id, job.request_id):
        if not finish_from_disk(job, services):
            fail(job, "", _overdue_fault(job, services), services)


def _overdue_fault(job: Job, services: Services) -> JobFault:
    """Tell what kept a job from being started by its deadline, or its image from being fetched."""
    if job.provider_id:
        return ResultLost("The provider began the image and it could not be fetched within a day")
    why = services.breaker.state().why or job.trouble
    if why == ProviderUnavailable.error_code:
        return ProviderUnavailable("The provider could not be reached in time")
    if why == ProviderCredits.error_code:
        return ProviderCredits("The provider account was out of credits until the job's deadline")
    if why == ProviderAuth.error_code:
        return ProviderAuth("The provider refused this service's API key until the job's deadline")
    return DeadlinePassed("The job's deadline passed before its image could be made")
