"""Contract of the job store: ending jobs, telling what they cost, forgetting images."""

import random
from collections.abc import Callable

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    accepted_batch,
    at_once,
    dump,
    in_state,
    known,
    now_ms,
    places,
    running,
)

OPEN = ["queued", "delayed", "dispatched", "running"]
ENDED = ["succeeded", "failed", "canceled"]


def in_call(store: JobStore) -> str:
    """Return the id of a job whose call is under way."""
    job = running(store)
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    return job.id


@pytest.mark.parametrize("state", OPEN)
def test_what_is_open_is_canceled_and_stands_in_no_place_any_more(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)
    revision, before = known(store, job_id).revision, now_ms(redis_client)

    assert store.cancel([job_id]) == 1

    job = known(store, job_id)
    assert (job.status, job.revision, job.trouble) == ("canceled", revision + 1, None)
    assert before <= (job.finished or 0) <= now_ms(redis_client)
    assert places(redis_client, job_id) == []
    assert redis_client.zscore(f"{PREFIX}deadlines", job_id) is None


@pytest.mark.parametrize("state", [*ENDED, "missing"])
def test_what_has_ended_stays_as_it_is(store: JobStore, redis_client: "Redis", state: str) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert store.cancel([job_id]) == 0
    assert dump(redis_client) == before


def test_many_are_canceled_at_once_and_those_that_had_ended_are_not_counted(
    store: JobStore,
) -> None:
    ids = [in_state(store, state) for state in (*OPEN, *ENDED, "missing")]

    assert store.cancel(ids) == len(OPEN)
    assert store.cancel(ids) == 0


def test_a_named_job_is_counted_once(store: JobStore) -> None:
    job = accepted(store)

    assert store.cancel([job.id, job.id]) == 1


def test_a_cancel_is_told_to_whoever_waits(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)
    with redis_client.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{PREFIX}events")
        channel.get_message(timeout=5)

        store.cancel([job.id])

        assert (channel.get_message(timeout=5) or {})["data"] == f"{job.id} 2 canceled"


@pytest.mark.parametrize("state", OPEN)
def test_what_was_never_sent_has_cost_nothing(store: JobStore, state: str) -> None:
    job_id = in_state(store, state)

    store.cancel([job_id])

    assert known(store, job_id).credits == 0


def test_what_a_call_under_way_costs_is_not_known_yet(store: JobStore) -> None:
    job_id = in_call(store)

    store.cancel([job_id])

    assert known(store, job_id).credits is None


@pytest.mark.parametrize(("counter", "credits"), [("unknown", None), ("unreached", 0), ("", 0)])
def test_an_earlier_call_may_have_been_charged_when_its_outcome_is_unknown(
    store: JobStore, counter: str, credits: int | None
) -> None:
    job_id = in_call(store)
    why = Release(counter=counter, trouble="x")  # type: ignore[arg-type]  # one of the three
    assert store.release(job_id, CLAIM, why)

    store.cancel([job_id])

    assert known(store, job_id).credits == credits


@pytest.mark.parametrize("credits", [0, 3_000])
def test_its_cost_is_told_once_by_whoever_sent_it(store: JobStore, credits: int) -> None:
    job_id = in_call(store)
    store.cancel([job_id])
    revision = known(store, job_id).revision

    assert store.settle(job_id, CLAIM, credits)
    assert not store.settle(job_id, CLAIM, 9_000)

    job = known(store, job_id)
    assert (job.status, job.credits, job.revision) == ("canceled", credits, revision + 1)


@pytest.mark.parametrize("claim", ["another", ""])
def test_nobody_else_tells_its_cost(store: JobStore, claim: str) -> None:
    job_id = in_call(store)
    store.cancel([job_id])

    assert not store.settle(job_id, claim, 0)
    assert known(store, job_id).credits is None


def test_nobody_tells_the_cost_of_a_job_that_had_no_claim(store: JobStore) -> None:
    job = in_state(store, "queued")
    store.cancel([job])

    assert not store.settle(job, "", 3_000)


@pytest.mark.parametrize("state", [*OPEN, "succeeded", "failed", "missing"])
def test_only_of_a_canceled_job_a_cost_is_told_afterwards(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert not store.settle(job_id, CLAIM, 3_000)
    assert dump(redis_client) == before


@pytest.mark.parametrize(("credits", "told"), [(0, False), (3_000, True)])
def test_after_a_call_of_unknown_outcome_only_a_charge_is_told(
    store: JobStore, credits: int, told: bool
) -> None:
    job_id = in_call(store)
    store.release(job_id, CLAIM, Release(counter="unknown", trouble="x"))
    store.claim(job_id, "c2", LEASE_MS)
    store.begin_call(job_id, "c2", 10_000)
    store.cancel([job_id])

    assert store.settle(job_id, "c2", credits) == told
    assert known(store, job_id).credits == (credits if told else None)


def test_the_image_of_a_job_that_succeeded_is_forgotten_once(store: JobStore) -> None:
    job_id = in_state(store, "succeeded")
    revision = known(store, job_id).revision

    assert store.forget_image(job_id, "deleted")
    assert not store.forget_image(job_id, "expired")

    job = known(store, job_id)
    assert (job.status, job.image_gone, job.revision) == ("succeeded", "deleted", revision + 1)


@pytest.mark.parametrize("state", [*OPEN, "failed", "canceled", "missing"])
def test_only_an_image_that_was_made_can_be_forgotten(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert not store.forget_image(job_id, "deleted")
    assert dump(redis_client) == before


RIVALS: dict[str, Callable[[JobStore, str], object]] = {
    "claim": lambda store, job_id: store.claim(job_id, "c2", LEASE_MS),
    "begin_call": lambda store, job_id: store.begin_call(job_id, CLAIM, 10_000).word == "go",
    "release": lambda store, job_id: store.release(job_id, CLAIM, Release()),
    "succeed": lambda store, job_id: store.succeed(job_id, credits=3_000),
    "fail": lambda store, job_id: store.fail(job_id, CLAIM, credits=3_000),
    "cancel": lambda store, job_id: store.cancel([job_id]),
}


@pytest.mark.parametrize("rival", RIVALS)
def test_a_cancel_that_races_with_a_move_is_one_of_the_two_and_never_both(
    store: JobStore, redis_client: "Redis", rival: str
) -> None:
    state = "queued" if rival == "claim" else "running"
    ids = [in_state(store, state) for _ in range(60)]
    moves = [("cancel", job_id) for job_id in ids] + [(rival, job_id) for job_id in ids]
    order = sorted(range(120), key=lambda number: (number % 60, random.random()))

    done = at_once(lambda n: (n, RIVALS[moves[n][0]](store, moves[n][1])), order, threads=20)

    answers = dict(done)
    for number, job_id in enumerate(ids):
        job, canceled, moved = known(store, job_id), answers[number], answers[number + 60]
        assert job.terminal
        # a call that is under way takes its place until it ends
        sent = rival == "begin_call" and moved
        assert places(redis_client, job_id) == (["ending"] if sent else [])
        if rival in {"succeed", "fail", "cancel"}:  # both are ends: one of them came first
            assert bool(canceled) != bool(moved)
        else:
            assert canceled == 1
        if rival == "begin_call":  # what was sent is not told to have cost nothing
            assert job.credits == (None if moved else 0)


def test_a_batch_that_is_canceled_while_its_jobs_end_counts_each_of_them_once(
    store: JobStore,
) -> None:
    batch = accepted_batch(store, 60)
    for job_id in batch.jobs:
        store.claim(job_id, CLAIM, LEASE_MS)

    def act(job_id: str) -> int:
        return store.cancel(batch.jobs) if job_id == "all" else store.succeed(job_id)

    answers = at_once(act, [*batch.jobs[:30], "all", *batch.jobs[30:]], threads=8)

    canceled = answers.pop(30)
    assert canceled + sum(answers) == 60
    statuses = [known(store, job_id).status for job_id in batch.jobs]
    assert statuses.count("canceled") == canceled
