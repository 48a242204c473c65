"""What cooks at the provider: begun once, and then asked for until it is there.

Nobody holds a thread meanwhile: the job is parked in the store. Asking is free and safe, so what is
paid for is given up only when the provider has it no more.
"""

import logging
import time
from functools import partial

from shared.errors import (
    BrokenImage,
    ProviderAuth,
    ProviderCredits,
    ProviderFault,
    RateLimited,
    ResultLost,
    Retryable,
    StorageError,
    StoreUnavailable,
)
from shared.image_file import ImageInfo, inspect
from shared.jobs import Job
from shared.moves import Release
from worker.endings import settle
from worker.leases import Lease, for_a_while, insist
from worker.wire import Outgoing, result_request
from worker.workshop import (
    Workshop,
    deliver,
    hand_back,
    note_answer,
    note_failure,
    pause_everybody,
    wait_for_turn,
)

_log = logging.getLogger(__name__)
# How long the provider keeps a result.
_KEPT_SECONDS = 86_400
# What takes long is asked for less often, every tenth of its age, so that many such jobs leave the
# provider's limit to others.
_LONGEST_POLL_MS = 300_000
# A person must mend these.
_REFUSED_MS = 60_000


def start(job: Job, outgoing: Outgoing, lease: Lease, shop: Workshop) -> None:
    """Have an image begun, and park its job under the provider's id before anything else."""
    provider_id = shop.provider.start(outgoing, shop.departures.check(lease))
    # first of all: should this worker be killed now, the log alone knows what was paid for
    _log.info("the provider has begun", extra={"provider_id": provider_id})
    park = partial(shop.store.park, job.id, provider_id, shop.poll_ms)
    try:
        # nobody else knows the id: it is told again for as long as it is worth anything
        parked = insist(park, for_a_while(_KEPT_SECONDS))
    except StoreUnavailable:
        _log.exception("what was begun could not be stored", extra={"provider_id": provider_id})
        raise
    note_answer(job, shop)
    if parked:
        return
    _log.warning("what was begun is not wanted any more", extra={"provider_id": provider_id})
    insist(partial(settle, job, job.estimate, shop), for_a_while())


def collect(job: Job, lease: Lease, shop: Workshop) -> None:
    """Ask once for the result of a job that was begun; end the job with it, or park it again."""
    age_ms = wait_for_turn(job, lease, shop)
    if age_ms is None:
        return
    begun = time.monotonic()
    fault: ProviderFault | StorageError | None = None
    try:
        asking = result_request(job.provider_id, shop.settings.provider_key)
        image = shop.provider.result(asking, shop.departures.check(lease))
        if image:
            provider_ms = age_ms + round((time.monotonic() - begun) * 1000)
            deliver(job, image, _source(job, shop), provider_ms, shop)
            return
    except (Retryable, ProviderAuth, ProviderCredits, StorageError) as trouble:
        # it is still there to be asked for
        _log.warning("a result could not be had", extra={"reason": trouble.error_code})
        fault = trouble
    if isinstance(fault, RateLimited):
        pause_everybody(fault, shop)
    elif isinstance(fault, ProviderAuth):
        note_failure(job, fault, shop)
    if age_ms > _KEPT_SECONDS * 1000:
        raise ResultLost("The provider began the image and did not give it out within a day")
    hand_back(job, lease, Release(pause_before_asking(fault, age_ms, shop.poll_ms)), shop)


def pause_before_asking(fault: Exception | None, age_ms: int, least_ms: int) -> int:
    """Return in how many ms a result may be asked for again, by its age and what was answered."""
    pause = max(least_ms, min(age_ms // 10, _LONGEST_POLL_MS))
    if isinstance(fault, RateLimited):
        return max(pause, round(fault.retry_after * 1000))
    if isinstance(fault, ProviderAuth | ProviderCredits):
        return max(pause, _REFUSED_MS)
    return pause


def _source(job: Job, shop: Workshop) -> ImageInfo | None:
    """Return what was enlarged; None when it is there no more, which is no reason to drop the image."""
    try:
        return inspect(shop.images.read_input(job.input)).upright
    except (OSError, BrokenImage):
        return None
