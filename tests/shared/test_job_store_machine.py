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
from tests.builders import LEASE_MS, PLACES, PROVIDER_ID, a_job, dump

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

    @rule()
    def accept(self) -> None:
        waiting = [job for job in self.jobs.values() if job.status == "queued"]
        stored = self.store.accept(a_job(), 6)

        assert (stored is None) == (len(waiting) >= 6)
        if stored:
            self.jobs[stored.job.id] = Known()

    @rule()
    def dispatch(self) -> None:
        busy = [*self.standing("dispatched"), *self.standing("resuming"), *self.standing("running")]
        room, due = max(CAPACITY - len(busy), 0), self.standing("due")
        waiting = self.standing("queued")
        sent = self.store.dispatch()

        assert set(sent) <= {*due, *waiting}
        assert len(sent) == min(room, len(due) + len(waiting))
        assert len(set(sent) & set(due)) == min(room, len(due))
        for job_id in sent:
            self.jobs[job_id].place = "resuming" if self.jobs[job_id].bought else "dispatched"

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS)
    def claim(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        free, resuming = job.place in {"queued", "dispatched"}, job.place == "resuming"
        granted = self.store.claim(job_id, claim, LEASE_MS)

        assert bool(granted) == (free or resuming or job.held_by(claim))
        if free:
            job.move("running", "running", claim)
        elif resuming:
            job.go("running", claim)

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS)
    def begin(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        turn = self.store.begin_call(job_id, claim, 1_000)

        stale = not job.held_by(claim) or job.lease_over
        assert (turn.word == "stale") == stale
        if turn.word == "go" and not job.bought:
            job.attempts += not job.sent
            job.sent = True

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, provider_id=st.sampled_from([PROVIDER_ID, "another"]))
    def park(self, which: int, provider_id: str) -> None:
        job_id, job = self.pick(which)
        again = job.bought and provider_id == PROVIDER_ID
        first = not job.bought and job.status in {"queued", "running"}
        done = self.store.park(job_id, provider_id if job.bought else PROVIDER_ID, 600_000)

        assert done == (first or again)
        if first:
            job.revision += job.status == "queued"
            job.status, job.bought = "running", True
            job.go("parked")

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS, pause=st.sampled_from([0, 600_000]))
    def release(self, which: int, claim: str, pause: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.release(job_id, claim, Release(pause_ms=pause))

        assert done == job.held_by(claim)
        if done and job.bought:
            job.go("parked" if pause else "due")
        elif done:
            job.move("queued", "delayed" if pause else "queued")

    @precondition(lambda self: self.standing("parked"))
    @rule(which=WHICH)
    def a_result_can_be_asked_for(self, which: int) -> None:
        job_id = self.standing("parked")[which % len(self.standing("parked"))]
        self.redis.zadd(f"{PREFIX}parked", {job_id: 1})
        self.jobs[job_id].go("due")

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

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.cancel([job_id])

        assert done == (job.status in {"queued", "running"})
        if done:
            job.move("canceled", "", job.claim)

    @rule(lose=st.booleans())
    def sweep(self, lose: bool) -> None:
        lost = [*self.standing("dispatched"), *self.standing("resuming")] if lose else []
        for job_id in lost:
            job = self.jobs[job_id]
            self.redis.zadd(f"{PREFIX}{job.place}", {job_id: 1})
            job.place = "due" if job.bought else "queued"
        self.redis.delete(f"{PREFIX}sweep:last")  # a slow machine is no outage
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
            assert stored.provider_id == (PROVIDER_ID if job.bought else "")
        for place in PLACES:
            # those that can be asked for are parked like the others until they are dispatched
            due = self.standing("due") if place == "parked" else []
            assert members(found, place) == sorted([*self.standing(place), *due])

    @invariant()
    def what_is_bought_never_waits_to_be_started(self) -> None:
        bought = [job for job in self.jobs.values() if job.bought]
        assert not [job for job in bought if job.place in {"queued", "delayed", "dispatched"}]

    @invariant()
    def only_what_waits_has_a_deadline(self) -> None:
        waiting = sorted(job_id for job_id, job in self.jobs.items() if job.status == "queued")
        assert members(dump(self.redis), "deadlines") == waiting


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
