"""One plain sentence or two on where a job or a batch stands, fit for a person or a language model."""

from math import ceil

from shared.batches import Batch
from shared.jobs import Job
from shared.moves import Outlook

# What a caller should let pass before it asks again, when nobody knows how long it takes; a waiting call
# is answered sooner anyway.
POLL_AFTER_SECONDS = 2
# Why a job is not started now, by the code of that.
_HELD_UP = {
    "provider_unavailable": "The provider is not available; the job waits, and starts by itself"
    " when it is.",
    "provider_credits": "The service's account at the provider is out of credits; the job waits until"
    " its operator has added some.",
    "provider_auth": "The provider refuses the service's key; the job waits until its operator has"
    " mended that.",
    "rate_limited": "The provider has locked the service out for a while; the job waits for that"
    " to end.",
    "storage_error": "The service can't keep images now; the job waits until it can.",
    "key_running": "As many jobs of this caller are running as may; the job starts when one of them"
    " has ended.",
}
_GONE = {"deleted": "The image was deleted.", "expired": "The image has expired."}


def batch_message(batch: Batch, ended: int) -> str:
    """Return where a batch stands of which so many jobs have ended."""
    if not batch.terminal:
        return (
            f"{ended} of {batch.total} jobs have ended."
            f" Ask again in {POLL_AFTER_SECONDS} seconds, or watch events_url."
        )
    if batch.status == "succeeded":
        return f"All {batch.total} images are ready; archive_url has them in one file."
    told = ", ".join(f"{number} {status}" for status, number in batch.counts.items() if number)
    made = " archive_url has the images that were made in one file." if batch.succeeded else ""
    return f"The batch has ended: {told}.{made}"


def job_message(job: Job, poll: int | None, outlook: Outlook) -> str:
    """Return where a job stands; `poll` is in how many seconds to ask again."""
    if job.status == "succeeded":
        return _GONE.get(job.image_gone, "The image is ready.")
    if job.status == "canceled":
        return f"The job was canceled. {_canceled(job)}"
    if job.status == "failed":
        return f"{(job.error or 'The job failed').rstrip('.')}. {_advice(job)}"
    again = _counted(poll or POLL_AFTER_SECONDS)
    ask = f"Ask again in {again}, or open image_url, which waits for the image."
    if job.status == "running":
        return f"The image is being made. {ask}"
    if why := _held_up(outlook):
        return f"{why} {ask}"
    if job.trouble:
        return f"The provider could not do it yet; it is tried again by itself. {ask}"
    return f"The job is waiting for its turn{_place(outlook)}. {ask}"


def _held_up(outlook: Outlook) -> str:
    if outlook.holdup == "paused":
        why = f": {outlook.reason.rstrip('.')}." if outlook.reason else "."
        return (
            f"The operator has paused this service{why} The job waits, and goes on by itself then."
        )
    return _HELD_UP.get(outlook.holdup, "")


def _place(outlook: Outlook) -> str:
    place = f", number {outlook.position} in the queue" if outlook.position else ""
    seconds = in_seconds(outlook.eta_ms)
    return place if seconds is None else f"{place}; its image is expected in {_counted(seconds)}"


def _counted(seconds: int) -> str:
    return "1 second" if seconds == 1 else f"{seconds} seconds"


def _canceled(job: Job) -> str:
    if job.credits is None:
        return "Its call was under way: what it cost is told here when that is known."
    return "It was charged." if job.credits else "Nothing was charged."


def _advice(job: Job) -> str:
    if job.credits is None:
        return "Asking again may pay again."
    if job.credits:
        return "It was charged; asking again pays again."
    return "Nothing was charged."


def in_seconds(ms: int | None) -> int | None:
    """Return whole seconds, never fewer than it takes."""
    return None if ms is None else ceil(ms / 1000)
