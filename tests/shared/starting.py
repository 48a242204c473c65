"""What begins: jobs that are accepted, and those that start, against what the model expects of them."""

from collections.abc import Callable, Iterable
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from redis import Redis

from shared.job_index import KINDS, JobIndex
from shared.job_store import JobStore
from shared.moves import Accepted, AcceptedBatch, Pace
from tests.builders import a_batch, a_job
from tests.shared.known_breaker import KnownBreaker
from tests.shared.known_job import Known
from tests.shared.known_owners import BUDGET, LIMITS, LONGEST, OWNERS, KnownOwners

CAPACITY = 3
KIND = st.sampled_from(KINDS)
OWNER = st.sampled_from(OWNERS)


class Starting(RuleBasedStateMachine):
    """The store, the model of it, and the moves by which jobs come and start."""

    redis: ClassVar["Redis"]

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushdb()
        self.store = JobStore(self.redis, Pace(1e-6), LIMITS)
        self.index = JobIndex(self.redis, Pace(1e-6), LIMITS)
        self.store.heartbeat("w", CAPACITY, 600_000)
        self.jobs: dict[str, Known] = {}
        self.owners = KnownOwners(self.jobs)
        self.batches: dict[str, list[str]] = {}
        self.breaker = KnownBreaker()

    def pick(self, which: int) -> tuple[str, Known]:
        """Return one of the jobs."""
        return list(self.jobs.items())[which % len(self.jobs)]

    def standing(self, place: str) -> list[str]:
        """Return the jobs that the model has in a place."""
        return [job_id for job_id, job in self.jobs.items() if job.place == place]

    def may_begin(self) -> int:
        """Return how many jobs the breaker lets begin."""
        trial = self.jobs.get(self.breaker.trial)
        if self.breaker.state == "half_open":
            return 0 if trial and trial.place in {"dispatched", "running"} else 1
        return 0 if self.breaker.state == "open" else CAPACITY

    @rule(
        kind=KIND,
        owner=OWNER,
        webhook=st.sampled_from(["", "http://hooks.test/"]),
        start=st.booleans(),
    )
    def accept(self, kind: str, owner: str, webhook: str, start: bool) -> None:
        job = a_job(kind=kind, owner=owner, webhook=webhook)
        new = {job.id: Known(kind, owner=owner, webhook=bool(webhook))}
        self.take_in(new, start, lambda: self.store.accept(job, LONGEST, None, BUDGET, start=start))

    @rule(kind=KIND, owner=OWNER, start=st.booleans())
    def accept_a_batch(self, kind: str, owner: str, start: bool) -> None:
        batch, jobs = a_batch(2, kind=kind, owner=owner)
        new = {job.id: Known(kind, batch.id, owner) for job in jobs}
        if self.take_in(
            new,
            start,
            lambda: self.store.accept_batch(batch, jobs, LONGEST, None, BUDGET, start=start),
        ):
            self.batches[batch.id] = list(new)

    @rule()
    def dispatch(self) -> None:
        self.start(self.store.dispatch)

    def take_in(
        self, new: dict[str, Known], start: bool, accept: Callable[[], Accepted | AcceptedBatch]
    ) -> bool:
        """Accept jobs of one owner, and start what can start, or not; tell whether they came in."""
        owner = next(iter(new.values())).owner
        if refusal := self.owners.refusal(owner, len(new)):
            with pytest.raises(refusal):
                accept()
            return False
        self.jobs.update(new)
        if start:
            self.start(lambda: accept().started)
        else:
            assert accept().started == ()
        return True

    def start(self, move: Callable[[], Iterable[str]]) -> None:
        """Make a move that starts what can start, and returns which jobs."""
        taking = ("dispatched", "resuming", "running", "ending")
        busy = [job_id for place in taking for job_id in self.standing(place)]
        room = max(CAPACITY - len(busy), 0)
        due = self.standing("due") if self.breaker.asks() else []
        waiting, most = self.standing("queued"), min(self.owners.startable(), self.may_begin())
        free = {owner: self.owners.free(owner) for owner in OWNERS}
        sent = list(move())

        assert set(sent) <= {*due, *waiting}
        assert len(set(sent)) == len(sent) == min(room, len(due) + most)
        asked, begun = set(sent) & set(due), set(sent) & set(waiting)
        assert len(asked) >= min(len(due), room // 2)
        assert min(most, room // 2) <= len(begun) <= most
        for owner in OWNERS:
            assert sum(self.jobs[job_id].owner == owner for job_id in begun) <= free[owner]
        for job_id in sent:
            self.jobs[job_id].place = "dispatched" if job_id in begun else "resuming"
            if job_id in begun and self.breaker.state == "half_open":
                self.breaker.trial = job_id
