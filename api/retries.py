"""A failed or canceled job again, as a new one."""

from collections.abc import Callable, Sequence

from api.bodies import KEY_FIELD, WAIT_FIELD, Body
from api.complaints import Complaint, complaint
from api.sources import Source
from api.submission import Piece, Read, Submission
from api.validation import Order
from shared.errors import Conflict, InvalidRequest
from shared.jobs import Job
from shared.operations import BY_NAME
from shared.settings import Settings


def read_retry(find: Callable[[], Job]) -> Read:
    """Return how a request to do a job again is read; it raises Conflict when that can't be done.

    The job is looked for only then, so that the request counts also when there is none.
    """

    def read(body: Body, _: Settings, faults: Sequence[Complaint]) -> Submission:
        job = find()
        unknown = set(body.fields) - {WAIT_FIELD, KEY_FIELD} | set(body.files)
        found = [
            complaint(name, "is not taken: a job is done again as it was")
            for name in sorted(unknown)
        ]
        if found or faults:
            raise InvalidRequest([*found, *faults])
        if job.status not in {"failed", "canceled"}:
            raise Conflict(f"Only a failed or canceled job can be done again; this is {job.status}")
        return Submission((Piece(_order(job), _source(job)),), retry_of=job.id)

    return read


def _order(job: Job) -> Order:
    return Order(
        kind=job.kind,
        operation=BY_NAME[job.operation],
        variant=job.variant,
        request=job.request,
        metadata=job.metadata,
        deadline_seconds=max(1, (job.deadline - job.created) // 1000),
        webhook=job.webhook,
    )


def _source(job: Job) -> Source | None:
    return Source("image", job.id, kept=job.input) if job.input else None
