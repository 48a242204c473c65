"""What the model of the job store knows of owners: what each may take, and who has something waiting."""

from collections.abc import Mapping
from typing import Any

from shared.limits import KeyLimits, Limits
from shared.over_limit import (
    BudgetExceeded,
    KeyBudgetExceeded,
    KeyQueueFull,
    OverLimit,
    QueueFull,
)
from shared.scripts import PREFIX
from tests.builders import LANES, PLACES, place_key
from tests.shared.known_job import PRICE, Known, members

OWNERS = ("", "alice", "bob")
LIMITS = KeyLimits(
    named={
        "alice": Limits(queued=3, running=1, credits_per_day=7 * PRICE),
        "bob": Limits(running=2),
    }
)
LONGEST = 6
BUDGET = 15 * PRICE


class KnownOwners:
    """The owners of the model's jobs."""

    def __init__(self, jobs: Mapping[str, Known]) -> None:
        self._jobs = jobs

    def of(self, owner: str) -> list[Known]:
        """Return the jobs of an owner."""
        return [job for job in self._jobs.values() if job.owner == owner]

    def refusal(self, owner: str, number: int) -> type[OverLimit] | None:
        """Return why so many more jobs of an owner are refused, if they are."""
        own, limits = self.of(owner), LIMITS.of(owner)
        everybodys = list(self._jobs.values())
        cost = number * PRICE
        if _over(_waiting(own) + number, limits.queued):
            return KeyQueueFull
        if _waiting(everybodys) + number > LONGEST:
            return QueueFull
        if _over(_cost(own) + cost, limits.credits_per_day):
            return KeyBudgetExceeded
        return BudgetExceeded if _cost(everybodys) + cost > BUDGET else None

    def free(self, owner: str) -> int:
        """Return how many more jobs of an owner may run."""
        most = LIMITS.of(owner).running
        taken = [
            job
            for job in self.of(owner)
            if job.status == "running" or job.place in {"dispatched", "ending"}
        ]
        return 1_000 if most is None else max(0, most - len(taken))

    def startable(self) -> int:
        """Return how many jobs could start, were there room for all."""
        return sum(min(self.free(owner), len(self.in_lanes(owner))) for owner in OWNERS)

    def in_lanes(self, owner: str) -> list[Known]:
        """Return the jobs of an owner that wait for their turn."""
        return [job for job in self.of(owner) if job.place == "queued"]

    def are_as_the_model_says(self, found: dict[str, Any]) -> None:
        """Check the ring, and what is kept of each owner."""
        assert members(found, "ring") == [owner for owner in OWNERS if self.in_lanes(owner)]
        assert found.get(f"{PREFIX}owners", []) == [o for o in OWNERS if o and self.of(o)]
        for owner in OWNERS:
            name = f":{owner}" if owner else ""
            sent = [i for i, job in self._of(owner) if job.place == "dispatched"]
            assert found.get(f"{PREFIX}sent{name}", []) == sorted(sent)
            ending = [i for i, job in self._of(owner) if job.place == "ending"]
            assert found.get(f"{PREFIX}own_ending{name}", []) == sorted(ending)
            spent = [int(found[key]) for key in found if _is_days(key, f"{PREFIX}spent{name}")]
            assert sum(spent) == _cost(self.of(owner) if owner else self._jobs.values())

    def every_job_stands_in_one_place(self, found: dict[str, Any]) -> None:
        """Check all indexes; those of the lanes are their owners'."""
        for place in PLACES:
            for owner in OWNERS if place in LANES else ("",):
                theirs = [
                    job_id
                    for job_id, job in self._jobs.items()
                    if job.index == place and (place not in LANES or job.owner == owner)
                ]
                assert members(found, place_key(place, owner).removeprefix(PREFIX)) == sorted(
                    theirs
                )

    def _of(self, owner: str) -> list[tuple[str, Known]]:
        return [(job_id, job) for job_id, job in self._jobs.items() if job.owner == owner]


def _over(number: int, most: int | None) -> bool:
    return most is not None and number > most


def _waiting(jobs: list[Known]) -> int:
    return sum(job.status == "queued" for job in jobs)


def _cost(jobs: Any) -> int:
    return sum(job.cost for job in jobs)


def _is_days(key: str, name: str) -> bool:
    """Tell whether a key is that of a day, of this name and no longer one."""
    return key.startswith(f"{name}:") and key.removeprefix(f"{name}:").isdigit()
