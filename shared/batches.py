"""A batch: jobs that were submitted as one, and how far they are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Literal

from shared.schema import check_form

BatchStatus = Literal["queued", "running", "succeeded", "failed", "canceled", "partial"]
STATUSES = ("queued", "running", "succeeded", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Batch:
    """Jobs that were submitted as one; the five numbers count its jobs by their status.

    `jobs` are the jobs' ids in the order of the request; times as those of a job.
    """

    id: str
    jobs: tuple[str, ...] = ()
    created: int = 0
    revision: int = 1
    owner: str = ""
    metadata: Mapping[str, str] | None = None
    request_id: str = ""
    webhook: str = ""
    finished: int | None = None
    queued: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    canceled: int = 0

    @property
    def total(self) -> int:
        """How many jobs there are."""
        return len(self.jobs)

    @property
    def counts(self) -> dict[str, int]:
        """How many jobs are in each status."""
        return {status: getattr(self, status) for status in STATUSES}

    @property
    def terminal(self) -> bool:
        """Whether all jobs have ended."""
        return self.finished is not None

    @property
    def status(self) -> BatchStatus:
        """How the batch stands, by its counts."""
        if not self.terminal:
            return "queued" if self.queued == self.total else "running"
        if self.succeeded:
            return "succeeded" if self.succeeded == self.total else "partial"
        return "canceled" if self.canceled else "failed"


_NAMES = frozenset(field.name for field in fields_of(Batch))
_TEXTS = frozenset({"request_id", "webhook", "owner"})


def from_batch_record(batch_id: str, record: Mapping[str, str]) -> Batch:
    """Turn what the store keeps into a batch, as `jobs.from_record` does a job."""
    check_form(record)
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if name == "jobs":
            fields[name] = tuple(value.split())
        elif name == "metadata":
            fields[name] = json.loads(value)
        elif name in _TEXTS:
            fields[name] = value
        elif name in _NAMES:
            fields[name] = int(value)
    return Batch(id=batch_id, **fields)
