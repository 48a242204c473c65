"""Keep the creative upscales that were started, until they expire."""

import secrets
from dataclasses import dataclass

from sandbox.calls import Call
from sandbox.faults import Fault
from sandbox.pictures import Made
from sandbox.wire import POLL_SECONDS, RESULT_SECONDS


@dataclass
class Job:
    """Hold one started upscale; times are seconds of the sandbox's clock."""

    id: str
    key: str
    call: Call
    fault: Fault | None
    entry_id: int
    ready_at: float
    made: Made | None = None
    polled_at: float | None = None

    def expired(self, now: float) -> bool:
        """Tell whether the result has been kept for its 24 hours."""
        return now >= self.ready_at + RESULT_SECONDS

    def poll(self, now: float) -> bool:
        """Note a poll and tell whether it came sooner than the provider advises."""
        early = self.polled_at is not None and now - self.polled_at < POLL_SECONDS
        self.polled_at = now
        return early


class Results:
    """Hold the jobs by id."""

    def __init__(self) -> None:
        """Begin without jobs."""
        self._jobs: dict[str, Job] = {}

    def start(
        self, key: str, call: Call, fault: Fault | None, *, entry_id: int, ready_at: float
    ) -> Job:
        """Take a job in under a new id of 64 hex digits."""
        job = Job(secrets.token_hex(32), key, call, fault, entry_id, ready_at)
        self._jobs[job.id] = job
        return job

    def find(self, job_id: str, key: str, now: float) -> Job | None:
        """Return the job that this key started, unless it has expired."""
        self._drop_expired(now)
        job = self._jobs.get(job_id)
        return job if job and job.key == key else None

    def _drop_expired(self, now: float) -> None:
        for job_id in [job.id for job in self._jobs.values() if job.expired(now)]:
            del self._jobs[job_id]
