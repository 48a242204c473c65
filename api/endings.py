"""What a caller may end: a job, a batch, the life of an image."""

import logging

from flask import Response

from api import answers
from shared.batches import Batch
from shared.jobs import Job
from shared.logs import job_id as logged_job_id
from shared.services import Services

_log = logging.getLogger(__name__)


def cancel_job(job: Job, services: Services) -> Response:
    """Cancel a job, whoever runs it: 200 with the job, or 409 when it had ended."""
    had_ended = job.terminal
    logged_job_id.set(job.id)
    if services.store.cancel([job.id]):
        _log.info("canceled a job")
    job = services.store.get(job.id) or job
    if had_ended or job.status != "canceled":
        return answers.refused(job, f"The job has ended already: it is {job.status}", services)
    return answers.found(job, services)


def cancel_batch(batch: Batch, services: Services) -> Response:
    """Cancel every job of a batch that has not ended: 200 with the batch, or 409 when all had."""
    before = batch.canceled
    if canceled := services.store.cancel(batch.jobs):
        _log.info("canceled a batch", extra={"batch_id": batch.id, "jobs": canceled})
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
    _delete_files(job, services)
    logged_job_id.set(job.id)
    if services.store.forget_image(job.id, "deleted"):
        _log.info("deleted an image")
    # a second attempt at the job may have put its own there in between; from now on it would not
    services.images.delete(job.image)
    return answers.found(services.store.get(job.id) or job, services)


def erase_job(job: Job, services: Services) -> Response:
    """Remove all that is kept of a job: 200, or 409 while somebody may still work on it."""
    if not job.terminal:
        return answers.refused(job, "The job has not ended; cancel it first", services)
    # the files first: after a crash the record still names what is left
    _delete_files(job, services)
    if not services.retirement.erase(job):
        why = "The job's call to the provider is still under way; erase it when that has ended"
        return answers.refused(job, why, services)
    services.images.delete(job.image)
    _log.warning("the operator has erased a job", extra={"job_id": job.id})
    return answers.erased(job)


def _delete_files(job: Job, services: Services) -> None:
    services.images.delete(job.image)
    if job.input:
        services.images.delete_input(job.input)
