"""What a caller may end: a job, a batch, the life of an image."""

from flask import Response

from api import answers
from shared.batches import Batch
from shared.jobs import Job
from shared.services import Services


def cancel_job(job: Job, services: Services) -> Response:
    """Cancel a job, whoever runs it: 200 with the job, or 409 when it had ended."""
    had_ended = job.terminal
    services.store.cancel([job.id])
    job = services.store.get(job.id) or job
    if had_ended or job.status != "canceled":
        return answers.refused(job, f"The job has ended already: it is {job.status}", services)
    return answers.found(job, services)


def cancel_batch(batch: Batch, services: Services) -> Response:
    """Cancel every job of a batch that has not ended: 200 with the batch, or 409 when all had."""
    before = batch.canceled
    services.store.cancel(batch.jobs)
    batch = services.index.batch(batch.id) or batch
    if batch.canceled == before:
        return answers.refused(
            batch, f"The batch has ended already: it is {batch.status}", services
        )
    return answers.found(batch, services)


def delete_image(job: Job, services: Services) -> Response:
    """Remove a job's image and input: 200 with the job, or 409 while it is still to be made."""
    if not job.terminal:
        why = "The job has not ended; cancel it first"
        return answers.refused(job, why, services)
    # the file first: its address is answered from the folder, without asking for the record
    services.images.delete(job.image)
    if job.input:
        services.images.delete_input(job.input)
    services.store.forget_image(job.id, "deleted")
    # a second attempt at the job may have put its own there in between; from now on it would not
    services.images.delete(job.image)
    return answers.found(services.store.get(job.id) or job, services)
