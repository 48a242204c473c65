"""What the caller of the current request has: what is another's is as unknown as what never was."""

from api.auth import caller
from shared.batches import Batch
from shared.errors import NotFound
from shared.jobs import Job
from shared.services import Services


def known_job(job_id: str, services: Services) -> Job:
    """Return a job of the caller's; raise NotFound."""
    job = services.store.get(job_id)
    if job is None or job.owner != caller().owner:
        raise NotFound("There is no job of this id")
    return job


def known_batch(batch_id: str, services: Services) -> Batch:
    """Return a batch of the caller's; raise NotFound."""
    batch = services.index.batch(batch_id)
    if batch is None or batch.owner != caller().owner:
        raise NotFound("There is no batch of this id")
    return batch
