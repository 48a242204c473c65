"""A failed or canceled job again, as a new one."""

import hashlib
from collections.abc import Sequence

from api.bodies import KEY_FIELD, WAIT_FIELD, Body
from api.complaints import Complaint, complaint
from api.submission import Piece, Read, Submission
from api.uploads import Upload
from api.validation import Order
from shared.errors import BrokenImage, Conflict, InvalidRequest
from shared.image_file import inspect
from shared.jobs import Job
from shared.operations import BY_NAME
from shared.services import Services
from shared.settings import Settings


def read_retry(job: Job, services: Services) -> Read:
    """Return how a request to do this job again is read; it raises Conflict when it can't be done."""

    def read(body: Body, _: Settings, faults: Sequence[Complaint]) -> Submission:
        unknown = set(body.fields) - {WAIT_FIELD, KEY_FIELD} | set(body.files)
        found = [complaint(name, "is not taken: a job is done again as it was") for name in unknown]
        if found or faults:
            raise InvalidRequest([*found, *faults])
        if job.status not in {"failed", "canceled"}:
            raise Conflict(f"Only a failed or canceled job can be done again; this is {job.status}")
        return Submission((Piece(_order(job), _input(job, services)),), retry_of=job.id)

    return read


def _order(job: Job) -> Order:
    return Order(
        kind=job.kind,
        operation=BY_NAME[job.operation],
        variant=job.variant,
        request=job.request,
        metadata=job.metadata,
        deadline_seconds=max(1, (job.deadline - job.created) // 1000),
    )


def _input(job: Job, services: Services) -> Upload | None:
    if not job.input:
        return None
    try:
        data = services.images.read_input(job.input)
        digest = hashlib.sha256(data).hexdigest()
        return Upload(inspect(data), digest, lambda: data)
    except (OSError, BrokenImage) as error:
        raise Conflict("The image that was to be enlarged is no longer kept") from error
