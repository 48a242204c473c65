"""Which jobs a list is to hold, from the query; each wrong value is told by name."""

import base64
import binascii

from werkzeug.datastructures import MultiDict

from api.complaints import Complaint, complaint
from shared.batches import STATUSES
from shared.errors import InvalidRequest
from shared.job_index import EVERYBODYS, KINDS, Cursor, JobIndex, Wanted
from shared.jobs import Job

MOST = 100
DEFAULT = 50
_KNOWN = ("status", "kind", "batch_id", "limit", "cursor")


def page(query: MultiDict[str, str], index: JobIndex, owner: str) -> tuple[list[Job], str | None]:
    """Return a page of an owner's jobs, newest first, and the cursor of the next; raise InvalidRequest.

    A cursor names a job and not a number of jobs, so that pages neither repeat nor leave out anything
    while new jobs arrive.
    """
    wanted = _wanted(query, owner)
    batch_id = query.get("batch_id")
    # one more than is shown tells whether there is more
    jobs = _of_batch(batch_id, wanted, index) if batch_id else index.newest(wanted)
    shown = jobs[: wanted.limit - 1]
    return shown, _written(shown[-1]) if len(jobs) > len(shown) else None


def _wanted(query: MultiDict[str, str], owner: str) -> Wanted:
    known = (*_KNOWN, "owner") if owner == EVERYBODYS else _KNOWN
    faults = [
        complaint(name, f"is not one of {', '.join(known)}") for name in query if name not in known
    ]
    repeated = [name for name, values in query.lists() if len(values) > 1]
    faults += [complaint(name, "must be given once") for name in repeated]
    kinds = _choice(query, "kind", KINDS, faults)
    statuses = _choice(query, "status", STATUSES, faults)
    limit = query.get("limit", str(DEFAULT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 4 and 1 <= int(limit) <= MOST):
        faults.append(complaint("limit", f"must be an integer from 1 to {MOST}"))
    after = _read(query["cursor"]) if query.get("cursor") else None
    if query.get("cursor") and after is None:
        faults.append(complaint("cursor", "must be a next_cursor that this service gave"))
    if faults:
        raise InvalidRequest(list(faults))
    # only who may see everybody's jobs gets here with an owner
    return Wanted(query.get("owner") or owner, kinds, statuses, after, int(limit) + 1)


def _choice(
    query: MultiDict[str, str], name: str, known: tuple[str, ...], faults: list[Complaint]
) -> tuple[str, ...]:
    value = query.get(name)
    if not value:
        return known
    if value not in known:
        faults.append(complaint(name, f"must be one of {', '.join(known)}"))
    return (value,)


def _of_batch(batch_id: str, wanted: Wanted, index: JobIndex) -> list[Job]:
    batch = index.batch(batch_id)
    found = index.jobs(batch.jobs) if batch and wanted.owner in {batch.owner, EVERYBODYS} else []
    kept = [
        job
        for job in sorted(found, key=_place, reverse=True)
        if job.kind in wanted.kinds
        and job.status in wanted.statuses
        and (wanted.after is None or _place(job) < wanted.after)
    ]
    return kept[: wanted.limit]


def _place(job: Job) -> Cursor:
    return Cursor(job.created, job.id)


def _written(job: Job) -> str:
    return base64.urlsafe_b64encode(f"{job.created}.{job.id}".encode()).decode().rstrip("=")


def _read(cursor: str) -> Cursor | None:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    created, dot, job_id = text.partition(".")
    if not (dot and created.isdigit() and len(created) < 16 and job_id.isalnum()):
        return None
    return Cursor(int(created), job_id)
