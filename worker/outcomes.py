"""What became of a job by the end of a message, in Celery's terms: for those who watch the tasks.

The truth is in the job store; this only keeps Flower from calling a task a success whose job failed, or
goes on.
"""

from celery.exceptions import Retry

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.jobs import Job


class JobFailed(Exception):
    """The job has ended with a fault; nobody catches this but Celery."""

    def __repr__(self) -> str:
        """Return the words alone: this is what Celery's events carry."""
        return str(self)


class GoesOn(Retry):
    """The job has not ended: another message will come for it, or another worker has it."""

    def __repr__(self) -> str:
        """Return the words alone: this is what Celery's events carry."""
        return str(self)


def tell(job_id: str, store: JobStore) -> str:
    """Return how a job has ended; raise JobFailed, or GoesOn when it has not."""
    try:
        job = store.get(job_id)
    except StoreUnavailable:
        raise GoesOn("the job store does not answer") from None
    if job is None:
        return "no job of this id"
    if job.status == "failed":
        raise JobFailed(f"failed: {job.error_code}")
    if not job.terminal:
        raise GoesOn(_going_on(job))
    return job.status


def _going_on(job: Job) -> str:
    if job.provider_id:
        return "cooks at the provider"
    if job.status == "running":
        return "with another worker"
    return f"waits again: {job.trouble}" if job.trouble else "waits again"
