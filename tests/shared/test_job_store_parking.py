"""Contract of the job store: what cooks at the provider is parked, asked for, and not started again."""

from dataclasses import replace

import pytest
from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Depth, Release, Turn
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    HOUR_MS,
    LEASE_MS,
    PROVIDER_ID,
    a_job,
    dispatched,
    due,
    dump,
    fits,
    given_up_in,
    in_state,
    known,
    parked,
    places,
    resumed,
    running,
)
from tests.shared.test_job_store_moves import MOVES

POSSIBLE = {
    ("claim", "resuming"),
    ("succeed", "parked"),
    ("succeed", "resuming"),
    ("fail unclaimed", "parked"),
}
IMPOSSIBLE = [
    (move, state)
    for move in MOVES
    for state in ("parked", "resuming")
    if (move, state) not in POSSIBLE
]


def test_a_parked_job_is_still_running_but_nobody_runs_it(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = running(store)
    store.begin_call(job.id, CLAIM, 1_000)
    sent = known(store, job.id)

    assert store.park(job.id, PROVIDER_ID, 10_000)

    assert known(store, job.id) == replace(sent, provider_id=PROVIDER_ID, claim="")
    assert places(redis_client, job.id) == ["parked"]
    assert 9_000 < due(redis_client, job.id) <= 10_000
    assert store.renew({job.id: CLAIM}, LEASE_MS) == [job.id]


@pytest.mark.parametrize(("move", "state"), IMPOSSIBLE)
def test_nothing_else_is_done_with_a_job_that_cooks(
    store: JobStore, redis_client: "Redis", move: str, state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert not MOVES[move](store, job_id)
    assert dump(redis_client) == before


def test_what_can_be_asked_for_by_nobody_may_be_given_up(store: JobStore) -> None:
    job = parked(store)

    assert store.fail(job.id, "", error="a day is over", credits=job.estimate)
    assert known(store, job.id).status == "failed"


@pytest.mark.parametrize("state", ["missing", "succeeded", "failed", "canceled"])
def test_what_has_ended_is_not_parked(store: JobStore, redis_client: "Redis", state: str) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert not store.park(job_id, PROVIDER_ID, 10_000)
    assert dump(redis_client) == before


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched"])
def test_a_job_that_was_taken_from_its_worker_meanwhile_is_parked_and_not_started_again(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    before = known(store, in_state(store, state))

    assert store.park(before.id, PROVIDER_ID, 10_000)

    after = known(store, before.id)
    assert (after.status, after.revision) == ("running", before.revision + 1)
    assert after.sent is not None
    assert places(redis_client, before.id) == ["parked"]
    assert 24.9 * HOUR_MS < given_up_in(redis_client, before.id) <= 25 * HOUR_MS
    assert store.claim(before.id, CLAIM, LEASE_MS) is None


def test_another_worker_that_has_the_job_by_then_does_not_start_it_again(store: JobStore) -> None:
    job = running(store)

    assert store.park(job.id, PROVIDER_ID, 10_000)

    assert store.begin_call(job.id, CLAIM, 1_000) == Turn("stale", 0)


@pytest.mark.parametrize("state", ["parked", "resuming"])
def test_of_two_starts_the_first_that_is_known_counts(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    assert not store.park(job_id, "another", 10_000)
    assert dump(redis_client) == before


def test_told_again_since_the_answer_was_lost_it_changes_nothing(
    store: JobStore, redis_client: "Redis"
) -> None:
    job_id = resumed(store)
    before = dump(redis_client)

    assert store.park(job_id, PROVIDER_ID, 10_000)
    assert dump(redis_client) == before


def test_nobody_is_told_how_often_a_result_is_asked_for(
    store: JobStore, redis_client: "Redis"
) -> None:
    with redis_client.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{PREFIX}events")
        assert channel.get_message(timeout=5)["type"] == "subscribe"

        job_id = resumed(store)
        store.begin_call(job_id, CLAIM, 1_000)
        store.release(job_id, CLAIM, Release(0))
        store.claim(dispatched(store, known(store, job_id)), "c2", LEASE_MS)
        store.succeed(job_id)
        heard = [channel.get_message(timeout=5)["data"] for _ in range(3)]

    assert heard == [f"{job_id} {change}" for change in ("1 queued", "2 running", "3 succeeded")]


def test_what_is_bought_has_no_deadline(store: JobStore, redis_client: "Redis") -> None:
    job = parked(store, 0)
    redis_client.hset(f"{PREFIX}job:{job.id}", "deadline", 1)

    assert store.sweep("s", LEASE_MS).overdue == []
    assert store.claim(dispatched(store, job), CLAIM, LEASE_MS) is not None


@pytest.mark.parametrize("state", ["parked", "resuming"])
def test_what_cooks_is_told_as_running_and_fills_no_queue(
    store: JobStore, index: JobIndex, state: str
) -> None:
    in_state(store, state)

    assert index.depth() == Depth(waiting=0, running=1)
    assert fits(lambda: store.accept(a_job(), 1))


@pytest.mark.parametrize("state", ["parked", "resuming"])
def test_a_job_that_is_canceled_while_it_cooks_is_charged_and_in_no_place(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)

    assert store.cancel([job_id]) == 1

    after = known(store, job_id)
    assert (after.status, after.credits) == ("canceled", after.estimate)
    assert places(redis_client, job_id) == []
    assert store.claim(job_id, CLAIM, LEASE_MS) is None


@pytest.mark.parametrize("state", ["parked", "resuming", "running"])
def test_an_image_ends_a_job_wherever_it_is(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = resumed(store) if state == "running" else in_state(store, state)

    assert store.succeed(job_id, credits=60_000)

    after = known(store, job_id)
    assert (after.status, after.claim, after.sent) == ("succeeded", "", None)
    assert places(redis_client, job_id) == []


def test_only_who_asks_may_end_it_otherwise(store: JobStore, redis_client: "Redis") -> None:
    job_id = resumed(store)

    assert not store.fail(job_id, "c2")
    assert not store.fail(job_id, "")
    assert store.fail(job_id, CLAIM, error_code="provider_error")
    assert places(redis_client, job_id) == []
