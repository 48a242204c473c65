"""What every worker does besides images: heartbeat, leases; sweep, dispatch; webhooks; probes.

Any number of workers may do it at once: each step is atomic in the store and does nothing twice.
"""

import logging
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from shared.errors import (
    DeadlinePassed,
    JobFault,
    OutcomeUnknown,
    ProviderAuth,
    ProviderCredits,
    ProviderUnavailable,
    StoreUnavailable,
)
from shared.jobs import Job
from shared.moves import Release
from shared.outbound import Outbound
from shared.queue import dispatch
from shared.services import Services
from worker.endings import fail, finish_from_disk, retry_rule
from worker.leases import RENEW_SECONDS, Leases
from worker.probing import Accountant, probe
from worker.webhooks import Courier
from worker.workshop import POLL_MS

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
Step = tuple[float, Callable[[], object]]
_HEARTBEAT_SECONDS = 2.0
_HEARTBEAT_TTL_MS = 10_000
_SWEEP_SECONDS = 1.0
_EXPIRE_SECONDS = 1.0
_PROBE_SECONDS = 1.0
# Of a hundred each: more than the provider's limit lets be made meanwhile.
_EXPIRE_PAGES = 10
# What is cut off then is sent again: by another worker, or after the next start.
_LAST_WEBHOOKS_SECONDS = 3.0
# Enough for a sweeper to decide about all it adopted; if it dies too, another adopts them then.
_ADOPTED_MS = 30_000


class Upkeep:
    """The threads; `stop` ends them and says good-bye for the worker."""

    def __init__(
        self, worker: str, services: Services, leases: Leases, accountant: Accountant
    ) -> None:
        self._worker = worker
        self._capacity = services.settings.worker_concurrency
        self._services = services
        self._leases = leases
        self._courier = Courier(services, Outbound(services.settings.webhook_allow_private))
        self._stopped = threading.Event()
        # the leases have a thread of their own: no slow chore may let them run out
        self._threads = [
            threading.Thread(target=self._run, args=[steps], name=name, daemon=True)
            for name, steps in (
                ("pulse", self._pulse()),
                ("chores", self._chores()),
                ("webhooks", [(TICK_SECONDS, self._courier.collect)]),
                ("probes", [(_PROBE_SECONDS, partial(probe, services, accountant))]),
            )
        ]

    def start(self) -> None:
        """Begin; from the first heartbeat on, jobs are dispatched to this worker."""
        for thread in self._threads:
            thread.start()

    def drain(self) -> None:
        """Take no more jobs, but keep the leases of those that run."""
        self._capacity = 0
        with suppress(StoreUnavailable):
            self._services.store.heartbeat(self._worker, 0, 0)

    def stop(self) -> None:
        """End the threads; what still has a lease by then is swept when it runs out."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._courier.stop(_LAST_WEBHOOKS_SECONDS)
        self.drain()

    def _pulse(self) -> list[Step]:
        return [(_HEARTBEAT_SECONDS, self._beat), (RENEW_SECONDS, self._leases.renew)]

    def _chores(self) -> list[Step]:
        services = self._services
        return [
            (_SWEEP_SECONDS, partial(sweep, services)),
            (TICK_SECONDS, partial(dispatch, services.store, services.queue)),
            (_EXPIRE_SECONDS, partial(expire, services)),
        ]

    def _run(self, steps: list[Step]) -> None:
        tick, failed = 0, set[int]()
        while not self._stopped.is_set():
            for number, (every, step) in enumerate(steps):
                # what failed is tried at each tick: a lease must not wait its turn after an outage
                if tick % round(every / TICK_SECONDS) == 0 or number in failed:
                    failed.discard(number)
                    if not _attempt(step):
                        failed.add(number)
            tick += 1
            self._stopped.wait(TICK_SECONDS)

    def _beat(self) -> None:
        if self._capacity:
            self._services.store.heartbeat(self._worker, self._capacity, _HEARTBEAT_TTL_MS)


def _attempt(step: Callable[[], object]) -> bool:
    try:
        step()
    except StoreUnavailable:
        _log.warning("upkeep waits for the job store")
        return False
    except Exception:  # noqa: BLE001 - the other steps must go on
        _log.exception("upkeep met a defect and goes on")
    return True


def sweep(services: Services) -> None:
    """Put back what was lost, and end what is past its deadline."""
    store = services.store
    claim = secrets.token_hex(8)
    found = store.sweep(claim, _ADOPTED_MS)
    if found.put_back:
        _log.warning("messages were lost, their jobs wait again", extra={"jobs": found.put_back})
    for job_id in found.orphans:
        _attempt(partial(_take_over, job_id, claim, services))
    for job_id in found.overdue:
        _attempt(partial(_end_overdue, job_id, services))


def expire(services: Services) -> None:
    """Remove the images that are past their time; their records tell that they were there."""
    for _ in range(_EXPIRE_PAGES):
        # those that can't be removed are named again: a page of nothing else is no reason to go on
        if not sum(_end_image(job_id, services) for job_id in services.store.expired()):
            return


def _end_image(job_id: str, services: Services) -> bool:
    """Remove an image and say so; return False when it can't be removed."""
    store, images = services.store, services.images
    image = job.image if (job := store.get(job_id)) else None
    try:
        if image:
            images.delete(image)
        store.forget_image(job_id, "expired")
        if image:
            # a second attempt at the job may have put its own there in between; from now on it would not
            images.delete(image)
    except OSError as error:  # its words have the image's name, which opens the image
        _log.warning("could not remove an image", extra={"reason": error.strerror})
        return False
    return True


def _take_over(job_id: str, claim: str, services: Services) -> None:
    """Decide about a job whose worker is gone: its call was not sent, or was, or is known to cook."""
    store = services.store
    job = store.get(job_id)
    if job is None or job.claim != claim or finish_from_disk(job, services):
        return
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
        _log.warning("a worker was lost, its call is repeated", extra={"job_id": job.id})
        store.release(job.id, job.claim, again)


def _end_overdue(job_id: str, services: Services) -> None:
    job = services.store.get(job_id)
    if job is None or job.status != "queued" or finish_from_disk(job, services):
        return
    fail(job, "", _overdue_fault(job, services), services)


def _overdue_fault(job: Job, services: Services) -> JobFault:
    """Tell what kept a job from being started by its deadline."""
    why = services.breaker.state().why or job.trouble
    if why == ProviderUnavailable.error_code:
        return ProviderUnavailable("The provider could not be reached in time")
    if why == ProviderCredits.error_code:
        return ProviderCredits("The provider account was out of credits until the job's deadline")
    if why == ProviderAuth.error_code:
        return ProviderAuth("The provider refused this service's API key until the job's deadline")
    return DeadlinePassed("The job's deadline passed before its image could be made")
