"""What the model of the job store knows of a job."""

from dataclasses import dataclass
from typing import Any

from shared.batches import STATUSES, from_batch_record
from shared.jobs import from_record
from shared.scripts import PREFIX
from tests.builders import PROVIDER_ID

OPEN = {"queued", "running"}
PRICE = 3_000


@dataclass
class Known:
    """What the model knows of a job: its status, the index it stands in, its claim.

    It is "ending" when it was canceled in the middle of its call.

    `unknown` is how many earlier calls may have been charged.
    """

    kind: str = "generate"
    batch: str = ""
    owner: str = ""
    status: str = "queued"
    place: str = "queued"
    claim: str = ""
    revision: int = 1
    attempts: int = 0
    sent: bool = False
    lease_over: bool = False
    unknown: int = 0
    credits: int | None = None
    image_gone: bool = False
    bought: bool = False
    webhook: bool = False

    def move(self, status: str, place: str, claim: str = "") -> None:
        """Change the state as every move does."""
        self.status, self.place, self.claim = status, place, claim
        self.sent = self.lease_over = False
        self.revision += 1

    def go(self, place: str, claim: str = "") -> None:
        """Change the place of what cooks at the provider, of which nobody is told."""
        self.place, self.claim, self.lease_over = place, claim, False

    @property
    def index(self) -> str:
        """Return the index it stands in: jobs of batches have a lane of their own."""
        if self.place == "due":
            return "parked"
        return "queued_batch" if self.place == "queued" and self.batch else self.place

    @property
    def cost(self) -> int:
        """Return what counts for the day's budget."""
        return (PRICE if self.credits is None else self.credits) + PRICE * self.unknown

    @property
    def has_deadline(self) -> bool:
        """Whether it is to be bought by some moment, or, once bought, to be fetched by another."""
        return self.status == "queued" or (self.bought and self.status == "running")

    @property
    def waits(self) -> bool:
        """Whether nobody runs it, nor is about to."""
        return self.status == "queued" or self.place in {"parked", "due"}

    def held_by(self, claim: str) -> bool:
        """Tell whether the job runs under a claim."""
        return self.place == "running" and self.claim == claim


def members(found: dict[str, Any], index: str) -> list[str]:
    """Return the ids in an index of a dump."""
    return sorted(job_id for job_id, _ in found.get(f"{PREFIX}{index}", []))


def every_job_is_as_the_model_says(found: dict[str, Any], known: dict[str, Known]) -> None:
    """Check the record of every job."""
    for job_id, job in known.items():
        stored = from_record(job_id, found[f"{PREFIX}job:{job_id}"])
        assert (stored.status, stored.revision) == (job.status, job.revision)
        assert (stored.attempts, stored.claim) == (job.attempts, job.claim)
        assert (stored.credits, bool(stored.image_gone)) == (job.credits, job.image_gone)
        assert stored.provider_id == (PROVIDER_ID if job.bought else "")
        assert not job.bought or job.place not in {"queued", "delayed", "dispatched"}


def every_batch_counts_its_jobs(
    found: dict[str, Any], batches: dict[str, list[str]], known: dict[str, Known]
) -> None:
    """Check that every batch counts its jobs by status and has ended when none is open."""
    for batch_id, job_ids in batches.items():
        batch = from_batch_record(batch_id, found[f"{PREFIX}batch:{batch_id}"])
        jobs = [known[job_id] for job_id in job_ids]
        statuses = [job.status for job in jobs]
        assert batch.counts == {status: statuses.count(status) for status in STATUSES}
        assert batch.terminal == (not OPEN & set(statuses))
        assert batch.revision == 1 + sum(job.revision - 1 for job in jobs)
        assert list(batch.jobs) == job_ids


def every_job_stands_in_one_list(found: dict[str, Any], known: dict[str, Known]) -> None:
    """Check that every job stands in the list of its owner, kind and status, and in no other."""
    lists: dict[str, list[str]] = {}
    for job_id, job in known.items():
        owner = f"{job.owner}:" if job.owner else ""
        lists.setdefault(f"list:{owner}{job.kind}:{job.status}", []).append(job_id)
    stored = {name.removeprefix(PREFIX) for name in found if name.startswith(f"{PREFIX}list:")}
    assert stored == lists.keys()
    for name, theirs in lists.items():
        assert members(found, name) == sorted(theirs)


def what_has_ended_and_nothing_else_is_to_be_told(
    found: dict[str, Any], known: dict[str, Known]
) -> None:
    """Check that the outbox holds the jobs that have ended and have a webhook."""
    due = [job_id for job_id, job in known.items() if job.webhook and job.status not in OPEN]
    assert members(found, "outbox:hooks.test") == sorted(f"job:{job_id}" for job_id in due)
