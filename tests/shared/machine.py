"""The job store against a small model of it, through any sequence of moves."""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from shared.moves import Depth, Release
from shared.scripts import PREFIX
from tests.builders import LEASE_MS, PROVIDER_ID, dump
from tests.shared.known_job import (
    OPEN,
    PRICE,
    every_batch_counts_its_jobs,
    every_job_is_as_the_model_says,
    every_job_stands_in_one_list,
    members,
    what_has_ended_and_nothing_else_is_to_be_told,
)
from tests.shared.starting import Starting

CLAIMS = st.sampled_from(["c1", "c2"])
WHICH = st.integers(0, 7)


class Machine(Starting):
    """Do to the store and to the model the same, and compare."""

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS)
    def claim(self, which: int, claim: str) -> None:
        job_id, job = self.pick(which)
        free = job.place == "dispatched" or (
            job.place == "queued" and self.owners.free(job.owner) > 0
        )
        resuming = job.place == "resuming"
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
        free = job.sent or (self.breaker.asks() if job.bought else self.breaker.begins(job_id))
        assert stale or (turn.word != "later") == free
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
    @rule(which=WHICH, claim=CLAIMS, pause=st.sampled_from([0, 600_000]), unknown=st.booleans())
    def release(self, which: int, claim: str, pause: int, unknown: bool) -> None:
        job_id, job = self.pick(which)
        why = Release(pause_ms=pause, counter="unknown" if unknown else "")
        done = self.store.release(job_id, claim, why)

        assert done == job.held_by(claim)
        if done and job.bought:
            job.go("parked" if pause else "due")
        elif done:
            job.move("queued", "delayed" if pause else "queued")
            job.unknown += unknown

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
        done = self.store.succeed(job_id, credits=PRICE)

        assert done == (job.status in OPEN)
        if done:
            job.credits = PRICE
            job.move("succeeded", "")

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS | st.just(""), credits=st.sampled_from([0, PRICE, None]))
    def fail(self, which: int, claim: str, credits: int | None) -> None:
        job_id, job = self.pick(which)
        done = self.store.fail(job_id, claim, credits=credits)

        assert done == (job.held_by(claim) or (not claim and job.waits))
        if done:
            job.credits = credits
            job.move("failed", "")

    @precondition(lambda self: self.jobs)
    @rule(which=st.sets(WHICH, min_size=1, max_size=3))
    def cancel(self, which: set[int]) -> None:
        named = dict(self.pick(each) for each in which)
        open_ones = [job for job in named.values() if job.status in OPEN]

        assert self.store.cancel(list(named)) == len(open_ones)
        for job in open_ones:
            job.credits = PRICE if job.bought else None if job.sent or job.unknown else 0
            ending = job.place == "running" and (job.sent or job.bought)
            over = ending and job.lease_over
            job.move(
                "canceled", "ending" if ending else "", job.claim
            )  # its cost may still be told
            job.lease_over = over

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH, claim=CLAIMS | st.just(""), credits=st.sampled_from([0, 3_000]))
    def settle(self, which: int, claim: str, credits: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.settle(job_id, claim, credits)

        ours = job.status == "canceled" and bool(claim) and job.claim == claim
        assert done == (ours and job.credits is None and bool(credits or not job.unknown))
        if ours:
            job.place, job.lease_over = "", False
        if done:
            job.credits, job.revision = credits, job.revision + 1

    @precondition(lambda self: self.jobs)
    @rule(which=WHICH)
    def forget_image(self, which: int) -> None:
        job_id, job = self.pick(which)
        done = self.store.forget_image(job_id, "deleted")

        assert done == (job.status == "succeeded" and not job.image_gone)
        if done:
            job.image_gone, job.revision = True, job.revision + 1

    @precondition(lambda self: self.standing("delayed"))
    @rule()
    def a_pause_ends(self) -> None:
        for job_id in self.standing("delayed"):
            self.redis.zadd(f"{PREFIX}delayed", {job_id: 1})
            self.jobs[job_id].place = "queued"
        self.dispatch()

    @precondition(lambda self: self.standing("running") + self.standing("ending"))
    @rule(which=WHICH)
    def a_worker_dies(self, which: int) -> None:
        held = self.standing("running") + self.standing("ending")
        job_id = held[which % len(held)]
        self.redis.zadd(f"{PREFIX}{self.jobs[job_id].place}", {job_id: 1})
        self.jobs[job_id].lease_over = True

    @rule(lose=st.booleans())
    def sweep(self, lose: bool) -> None:
        lost = [*self.standing("dispatched"), *self.standing("resuming")] if lose else []
        for job_id in lost:
            job = self.jobs[job_id]
            self.redis.zadd(f"{PREFIX}{job.index}", {job_id: 1})
            job.place = "due" if job.bought else "queued"
        self.redis.delete(f"{PREFIX}sweep:last")  # a slow machine is no outage
        found = self.store.sweep("c1", LEASE_MS)

        for job_id in self.standing("ending"):
            job = self.jobs[job_id]
            job.place, job.lease_over = "" if job.lease_over else "ending", False
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
    def as_many_wait_and_run_as_the_model_says(self) -> None:
        statuses = [job.status for job in self.jobs.values()]
        assert self.index.depth() == Depth(statuses.count("queued"), statuses.count("running"))

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        found = dump(self.redis)
        every_job_is_as_the_model_says(found, self.jobs)
        self.owners.every_job_stands_in_one_place(found)
        self.owners.are_as_the_model_says(found)
        every_job_stands_in_one_list(found, self.jobs)
        every_batch_counts_its_jobs(found, self.batches, self.jobs)
        what_has_ended_and_nothing_else_is_to_be_told(found, self.jobs)
        waiting = sorted(job_id for job_id, job in self.jobs.items() if job.has_deadline)
        assert members(found, "deadlines") == waiting
