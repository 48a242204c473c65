"""What every way to make an image needs: the workshop itself, a turn, and telling the store for sure."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from shared.breaker import Breaker, Verdict, Why
from shared.errors import (
    JobFault,
    OutcomeUnknown,
    ProviderAuth,
    ProviderCredits,
    ProviderFault,
    RateLimited,
    ServerError,
    StorageError,
    StoreUnavailable,
)
from shared.image_file import ImageInfo
from shared.image_store import ImageStore
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Release, Turn
from shared.settings import Settings
from worker.departures import Departures
from worker.endings import fail, finish_from_disk, result_of, settle, succeed
from worker.leases import Lease, LeaseLost, Leases, for_a_while, insist
from worker.pictures import checked
from worker.wire import Outgoing, ProviderImage

_log = logging.getLogger(__name__)
# The provider asks not to be asked for the same result more often.
POLL_MS = 10_000
# A wait for a slot holds a thread: a longer one goes back into the queue.
_LONGEST_SLOT_WAIT_MS = 3_000
# As long as what is known of a call is told again while Redis is away: a bucket or its line may be away
# as long, and no new call is started meanwhile. Pauses of 1, 2, 3, 4 and then 5 s between two tries.
_WRITE_SECONDS = 600.0
_WRITE_PAUSE_SECONDS = 1.0
_LONGEST_WRITE_PAUSE = 5


class Provider(Protocol):
    """What makes the pictures; each of these returns or raises a ProviderFault."""

    def call(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage:
        """Return an image; `check` raises, just before it is sent, when the call is no longer ours."""
        ...

    def start(self, outgoing: Outgoing, check: Callable[[], None]) -> str:
        """Have an image begun, as `call`; return the id by which it can be asked for."""
        ...

    def result(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage | None:
        """Return an image that was begun, or None while it cooks; `check` as for `call`."""
        ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a job needs to be made: built once a worker."""

    settings: Settings
    store: JobStore
    images: ImageStore
    provider: Provider
    leases: Leases
    breaker: Breaker
    stopping: threading.Event
    poll_ms: int = POLL_MS
    departures: Departures = field(default_factory=Departures)


def wait_for_turn(job: Job, lease: Lease, shop: Workshop) -> int | None:
    """Return, when the provider may be called now, how long ago (ms) the job was sent, 0 if never.

    None: the job is back in its place, or another's. Raises LeaseLost.
    """
    ask = partial(shop.store.begin_call, job.id, lease.claim, _LONGEST_SLOT_WAIT_MS)
    while not shop.stopping.is_set():
        turn = _turn(ask, lease)
        if turn.word == "go":
            lease.ensure_alive()
            return turn.ms
        if turn.word == "stale":
            # a turn whose answer was lost counts as sent, and was not: whoever canceled learns that
            insist(partial(settle, job, 0, shop), for_a_while())
            return None
        if turn.word == "later":
            hand_back(job, lease, Release(pause_ms=turn.ms), shop)
            return None
        shop.stopping.wait(turn.ms / 1000)
    hand_back(job, lease, Release(), shop)
    return None


def _turn(ask: Callable[[], Turn], lease: Lease) -> Turn:
    """Ask for a turn while the store is away; raise LeaseLost when that was too long.

    The store may have noted the call as sent, and this worker alone knows that it was not.
    """
    try:
        return insist(ask, lease.alive)
    except StoreUnavailable as away:
        raise LeaseLost from away


def deliver(
    job: Job, image: ProviderImage, source: ImageInfo | None, provider_ms: int, shop: Workshop
) -> None:
    """Check, convert and write an image that is paid for, and end its job with it.

    `source` is the image that was enlarged. Raises ProviderBadImage or StorageError.
    """
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


def _write(name: str, data: bytes, shop: Workshop) -> bool:
    """Write an image that is paid for, trying again from memory; False when one is there already."""
    worthwhile, pause = for_a_while(_WRITE_SECONDS), 1
    while True:
        try:
            return shop.images.put(name, data)
        except OSError as error:
            if not worthwhile():
                raise StorageError("The image was made and could not be stored") from error
            _log.warning("could not write an image", extra={"reason": error.strerror})
        time.sleep(_WRITE_PAUSE_SECONDS * pause)
        pause = min(pause + 1, _LONGEST_WRITE_PAUSE)


def pause_everybody(fault: RateLimited, shop: Workshop) -> None:
    """Keep all workers from calling for as long as the key is locked out."""
    pause = partial(shop.store.pause, round(fault.retry_after * 1000), widen=True)
    insist(pause, for_a_while())


def note_answer(job: Job, shop: Workshop) -> None:
    """Tell the breaker that the provider is well."""
    with suppress(StoreUnavailable):  # it hears that from the next call as well
        shop.breaker.note_answer(job.id)


def note_failure(job: Job, fault: ProviderFault, shop: Workshop) -> Verdict:
    """Tell the breaker of a failure that is not the job's; return what that means for the job."""
    why: Why = "provider_unavailable"
    if isinstance(fault, ProviderAuth):
        why = "provider_auth"
    elif isinstance(fault, ProviderCredits):
        why = "provider_credits"
    try:
        sure = not isinstance(fault, (ServerError, OutcomeUnknown))
        verdict = shop.breaker.note_failure(job.id, why, sure=sure)
    except StoreUnavailable:
        return "closed"
    if verdict == "opened":
        _log.error("no more jobs are started", extra={"reason": why})
    return verdict


def give_up(job: Job, lease: Lease, fault: JobFault, shop: Workshop) -> None:
    """End a job with a fault."""
    insist(partial(fail, job, lease.claim, fault, shop), for_a_while())


def hand_back(job: Job, lease: Lease, why: Release, shop: Workshop, cost: int | None = 0) -> None:
    """Hand a job back; when it was canceled meanwhile, tell what its call cost (0: none was sent)."""
    released = insist(partial(shop.store.release, job.id, lease.claim, why), for_a_while())
    if not released:
        insist(partial(settle, job, cost, shop), for_a_while())
