"""How a job ends, and whether its call may be repeated: by what the call may have cost."""

import logging
from collections.abc import Callable
from typing import Protocol

from shared.errors import (
    BrokenImage,
    JobFault,
    OutcomeUnknown,
    ProviderUnavailable,
    Retryable,
    ServerError,
)
from shared.image_file import ImageInfo, inspect
from shared.image_store import ImageStore, StorageAway
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Release
from shared.settings import Settings

_log = logging.getLogger(__name__)
_LONGEST_PAUSE_MS = 15_000
_LONGEST_OUTAGE_PAUSE_MS = 300_000


class Keeping(Protocol):
    """Where jobs and images are kept; a Workshop and Services both are that."""

    @property
    def settings(self) -> Settings:
        """The settings."""
        ...

    @property
    def store(self) -> JobStore:
        """The job store."""
        ...

    @property
    def images(self) -> ImageStore:
        """The image store."""
        ...


def succeed(job: Job, kept: Keeping, **fields: object) -> None:
    """End a job with the image that is in the store; an image that comes too late is dropped."""
    if kept.store.succeed(job.id, kept.settings.image_ttl_ms, **fields):
        _log.info("made an image", extra={"provider_ms": fields.get("provider_ms")})
    else:
        current = kept.store.get(job.id)
        if current is None or current.status != "succeeded" or current.image_gone:
            _log.warning("an image came after its job had ended, and is dropped")
            _remove(kept.images.delete, job.image)
            settle(job, job.estimate, kept)
            if current:
                return  # its input stays, for a retry
    if job.input:
        _remove(kept.images.delete_input, job.input)


def _remove(delete: Callable[[str], None], name: str) -> None:
    """Remove what nobody needs any more; what can't be removed now, retention removes later."""
    try:
        delete(name)
    except OSError as error:
        _log.warning("could not remove a file", extra={"reason": error.strerror})


def finish_from_disk(job: Job, kept: Keeping) -> bool:
    """End a job whose image an earlier attempt has written; its seed went with that attempt.

    May raise StorageAway.
    """
    picture = kept.images.find(job.image)
    if picture is None:
        return False
    try:
        data = picture.read_bytes()
        info = inspect(data)
    except StorageAway:
        raise  # it may be there, and paid for: nobody knows
    except OSError:
        return False
    except BrokenImage:
        # no write of ours leaves such a file; it must not stand in the way of a whole one
        kept.images.delete(job.image)
        return False
    if kept.store.get(job.id) is None:
        return False  # another attempt finished it, and its record went since: the image stays
    succeed(job, kept, result=result_of(info, len(data), None), credits=job.estimate)
    return True


def result_of(info: ImageInfo, size: int, seed: int | None) -> dict[str, object]:
    """Return what a job tells of its image: format, width and height in pixels, bytes, seed."""
    return {
        "format": info.format,
        "width": info.width,
        "height": info.height,
        "bytes": size,
        "seed": seed,
    }


def fail(job: Job, claim: str, fault: JobFault, kept: Keeping) -> None:
    """End a job with a fault; its credits stay open when nobody knows what was charged.

    Its input stays: the caller may have it done again.
    """
    credits = credits_after(job, fault)
    fields = {"error_code": fault.error_code, "error": fault.message, "credits": credits}
    if kept.store.fail(job.id, claim, **fields):
        _log.info("a job failed", extra={"error_code": fault.error_code})
    else:
        settle(job, credits, kept)


def settle(job: Job, credits: int | None, kept: Keeping) -> None:
    """Tell that the call of a job that was canceled meanwhile has ended, and what it cost if known.

    Of any other nothing is told.
    """
    if kept.store.settle(job.id, job.claim, credits):
        _log.info("told what the call of a canceled job cost", extra={"credits": credits})


def credits_after(job: Job, fault: JobFault) -> int | None:
    """Return what a job has cost that met this fault, in thousandths; None: nobody knows."""
    if fault.charged or job.provider_id:
        return job.estimate
    return None if isinstance(fault, OutcomeUnknown) or job.unknown else 0


def retry_rule(
    job: Job, fault: Retryable, settings: Settings, *, outage: bool = False
) -> Release | None:
    """Decide whether a call may be repeated, by what it may have cost; None means no.

    `job` is the record from before the call. A call that never ran is repeated until the job's
    deadline, one that surely failed within `MAX_ATTEMPTS`, one whose outcome is unknown at most
    `RETRY_UNKNOWN_OUTCOME` times and only while it costs no more than `RETRY_UNKNOWN_MAX_CREDITS`.
    In an `outage` a sure failure says nothing about the job, and does not count.
    """
    code = fault.error_code
    if isinstance(fault, ProviderUnavailable):
        pause = min(2_000 * 2 ** min(job.unreached, 3), _LONGEST_PAUSE_MS)
        return Release(pause, counter="unreached", take_back_attempt=True, trouble=code)
    if isinstance(fault, ServerError) and outage:
        # if it was the job after all, others go first meanwhile
        pause = min(30_000 * 2 ** min(job.unreached, 4), _LONGEST_OUTAGE_PAUSE_MS)
        trouble = ProviderUnavailable.error_code
        return Release(pause, counter="unreached", take_back_attempt=True, trouble=trouble)
    if isinstance(fault, ServerError):
        if job.attempts + 1 >= settings.max_attempts:
            return None
        return Release(min(1_000 * 2 ** min(job.attempts, 4), _LONGEST_PAUSE_MS), trouble=code)
    dear = job.estimate > settings.retry_unknown_max_credits * 1000
    if dear or job.unknown >= settings.retry_unknown_outcome:
        return None
    return Release(1_000, counter="unknown", trouble=code)
