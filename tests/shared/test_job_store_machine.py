"""The job store against a small model of it, through any sequence of moves."""

from dataclasses import dataclass
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from shared.job_store import JobStore
from shared.jobs import from_record
from shared.moves import Pace, Release
from shared.scripts import PREFIX
from tests.builders import LEASE_MS, PLACES, a_job, dump

CAPACITY = 3
CLAIMS = st.sampled_from(["c1", "c2"])
WHICH = st.integers(0, 7)


@dataclass
class Known:
    """What the model knows of a job: its status, the index it stands in, its claim."""

    status: str = "queued"
    place: str = "queued"
    claim: str = ""
    revision: int = 1
    attempts: int = 0
    sent: bool = False
    lease_over: bool = False
    webhook: bool = False

    def move(self, status: str, place: str, claim: str = "") -> None:
        """Change the state as every move does."""
        self.status, self.place, self.claim = status, place, claim
        self.sent = self.lease_over = False
        self.revision += 1

    def held_by(self, claim: str) -> bool:
        """Tell whether the job runs under a claim."""
        return self.status == "running" and self.claim == claim


class Machine(RuleBasedStateMachine):
    """Do to the store and to the model the same, and compare."""

    redis: ClassVar["Redis"]

    def __init__(self) -> None:
        super().__init__()
        self.redis.flushdb()
        self.store = JobStore(self.redis, Pace(1e-6))
        self.store.heartbeat("w", CAPACITY, 600_000)
        self.jobs: dict[str, Known] = {}

    def pick(self, which: int) -> tuple[str, Known]:
        """Return one of the jobs."""
        return list(self.jobs.items())[which % len(self.jobs)]

    def standing(self, place: str) -> list[str]:
        """Return the jobs that the model has in a place."""
        return [job_id for job_id, job in self.jobs.items() if job.place == place]

    @rule(webhook=st.booleans())
    def accept(self, webhook: bool) -> None:
        waiting = [job for job in self.jobs.values() if job.status == "queued"]
        stored = self.store.accept(a_job(webhook="http://hooks.test/" if webhook else ""), 6)

        assert (stored is None) == (len(waiting) >= 6)
        if stored:
            self.jobs[stored.job.id] = Known(webhook=webhook)

    @rule()
    def dispatch(self) -> None:
        free = CAPACITY - len(self.standing("dispatched")) - len(self.standing("running"))
        waiting = self.standing("queued")
        sent = self.store.dispatch()

        assert set(sent) <= set(waiting)
        assert len(sent) == min(max(free, 0), len(waiting))
        for job_id in sent:
            self.jobs[job_id].place = "dispatched"

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS)
    def claim(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        free = job.place in {"queued", "dispatched"}
        granted = self.store.claim(job_id, claim, LEASE_MS)

        assert bool(granted) == (free or job.held_by(claim))
        if free:
            job.move("running", "running", claim)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS)
    def begin(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        turn = self.store.begin_call(job_id, claim, 1_000)

        stale = not job.held_by(claim) or job.lease_over
        assert (turn.word == "stale") == stale
        if turn.word == "go":
            job.attempts += not job.sent
            job.sent = True

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS, pause=st.sampled_from([0, 600_000]))
    def release(self, which: int, claim: str, pause: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.release(job_id, claim, Release(pause_ms=pause))

        assert done == job.held_by(claim)
        if done:
            job.move("queued", "delayed" if pause else "queued")

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def succeed(self, which: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.succeed(job_id)

        assert done == (job.status in {"queued", "running"})
        if done:
            job.move("succeeded", "")

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS | st.just(""))
    def fail(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        done = self.store.fail(job_id, claim)

        assert done == (job.held_by(claim) or (not claim and job.status == "queued"))
        if done:
            job.move("failed", "")

    @precondition(lambda self: self.standing("delayed"))
    @rule()
    def a_pause_ends(self) -> None:
        for job_id in self.standing("delayed"):
            self.redis.zadd(f"{PREFIX}delayed", {job_id: 1})
            self.jobs[job_id].place = "queued"
        self.dispatch()

    @precondition(lambda self: self.standing("running"))
    @rule(which=WHICH)
    def a_worker_dies(self, which: int) -> None:
        job_id = self.standing("running")[which % len(self.standing("running"))]
        self.redis.zadd(f"{PREFIX}running", {job_id: 1})
        self.jobs[job_id].lease_over = True

    @rule(lose=st.booleans())
    def sweep(self, lose: bool) -> None:
        lost = self.standing("dispatched") if lose else []
        for job_id in lost:
            self.redis.zadd(f"{PREFIX}dispatched", {job_id: 1})
            self.jobs[job_id].place = "queued"
        found = self.store.sweep("c1", LEASE_MS)

        dead = {job_id for job_id, job in self.jobs.items() if job.lease_over}
        assert (found.put_back, set(found.orphans)) == (len(lost), dead)
        for job_id in dead:
            self.jobs[job_id].claim, self.jobs[job_id].lease_over = "c1", False

    @rule()
    def renew(self) -> None:
        ours = {job_id: job.claim or "c1" for job_id, job in self.jobs.items()}
        lost = self.store.renew(ours, LEASE_MS)

        assert set(lost) == set(ours) - set(self.standing("running"))
        for job in self.jobs.values():
            job.lease_over = False

    @invariant()
    def every_job_is_as_the_model_says_and_in_one_place(self) -> None:
        found = dump(self.redis)
        for job_id, job in self.jobs.items():
            stored = from_record(job_id, found[f"{PREFIX}job:{job_id}"])
            assert (stored.status, stored.revision) == (job.status, job.revision)
            assert (stored.attempts, stored.claim) == (job.attempts, job.claim)
        for place in PLACES:
            assert members(found, place) == sorted(self.standing(place))

    @invariant()
    def only_what_waits_has_a_deadline(self) -> None:
        waiting = sorted(job_id for job_id, job in self.jobs.items() if job.status == "queued")
        assert members(dump(self.redis), "deadlines") == waiting

    @invariant()
    def what_has_ended_and_nothing_else_is_to_be_told(self) -> None:
        due = [job_id for job_id, job in self.jobs.items() if job.webhook and not job.place]
        told = sorted(f"job:{job_id}" for job_id in due)
        assert members(dump(self.redis), "outbox:hooks.test") == told


def members(found: dict[str, Any], index: str) -> list[str]:
    """Return the ids in an index of a dump."""
    return sorted(job_id for job_id, _ in found.get(f"{PREFIX}{index}", []))


def test_any_sequence_of_moves_goes_as_the_model_says(redis_client: "Redis") -> None:
    machine = type("Bound", (Machine,), {"redis": redis_client})

    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
