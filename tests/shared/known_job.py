"""What the model of the job store knows of a job."""

from dataclasses import dataclass
from typing import Any

from shared.scripts import PREFIX


@dataclass
class Known:
    """What the model knows of a job: its status, the index it stands in, its claim.

    `unknown` is whether an earlier call may have been charged.
    """

    kind: str = "generate"
    batch: str = ""
    status: str = "queued"
    place: str = "queued"
    claim: str = ""
    revision: int = 1
    attempts: int = 0
    sent: bool = False
    lease_over: bool = False
    unknown: bool = False
    credits: int | None = None
    image_gone: bool = False
    bought: bool = False

    def move(self, status: str, place: str, claim: str = "") -> None:
        """Change the state as every move does."""
        self.status, self.place, self.claim = status, place, claim
        self.sent = self.lease_over = False
        self.revision += 1

    def go(self, place: str, claim: str = "") -> None:
        """Change the place of what cooks at the provider, of which nobody is told."""
        self.place, self.claim, self.lease_over = place, claim, False

    def held_by(self, claim: str) -> bool:
        """Tell whether the job runs under a claim."""
        return self.status == "running" and self.claim == claim


def members(found: dict[str, Any], index: str) -> list[str]:
    """Return the ids in an index of a dump."""
    return sorted(job_id for job_id, _ in found.get(f"{PREFIX}{index}", []))
