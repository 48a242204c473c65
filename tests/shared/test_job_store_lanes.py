"""Contract of the job store: who goes first, jobs submitted alone or jobs of batches."""

from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Release
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    accepted_batch,
    known,
    places,
)


def turns(store: JobStore, number: int) -> list[str]:
    """Return the ids that are dispatched one after another, each to a worker that is free again."""
    taken = []
    for _ in range(number):
        store.heartbeat("w", 1, 60_000)
        (job_id,) = store.dispatch()
        taken.append(job_id)
        assert store.claim(job_id, CLAIM, LEASE_MS)
        store.succeed(job_id)
    return taken


def test_a_job_submitted_alone_goes_before_the_jobs_of_a_batch_that_came_first(
    store: JobStore,
) -> None:
    batch, alone = accepted_batch(store, 5), accepted(store)

    assert turns(store, 3) == [alone.id, *batch.jobs[:2]]


def test_of_ten_turns_one_is_a_batchs(store: JobStore) -> None:
    batch, alone = accepted_batch(store, 5), [accepted(store).id for _ in range(40)]

    taken = turns(store, 40)

    assert [place for place, job_id in enumerate(taken, 1) if job_id in batch.jobs] == [
        10, 20, 30, 40,
    ]  # fmt: skip
    assert len(set(taken) & set(alone)) == 36


def test_many_turns_at_once_are_shared_as_single_ones_are(store: JobStore) -> None:
    batch = accepted_batch(store, 20)
    for _ in range(40):
        accepted(store)
    store.heartbeat("w", 30, 60_000)

    taken = store.dispatch()

    assert len(taken) == 30
    assert len(set(taken) & set(batch.jobs)) == 3


def test_a_lane_that_is_alone_has_every_turn(store: JobStore) -> None:
    batch = accepted_batch(store, 12)

    assert turns(store, 12) == list(batch.jobs)


def test_turns_that_nobody_else_wanted_are_not_owed_to_the_other_lane(store: JobStore) -> None:
    batch = accepted_batch(store, 30)
    turns(store, 25)
    alone = [accepted(store).id for _ in range(9)]

    assert set(turns(store, 9)) == set(alone)
    assert turns(store, 1) == [batch.jobs[25]]


def test_a_job_that_comes_back_comes_back_into_its_lane(
    store: JobStore, redis_client: "Redis"
) -> None:
    batch = accepted_batch(store, 2)
    assert store.claim(batch.jobs[0], CLAIM, LEASE_MS)

    assert store.release(batch.jobs[0], CLAIM, Release())

    assert places(redis_client, batch.jobs[0]) == ["queued_batch"]
    assert turns(store, 2) == list(batch.jobs)


def test_the_place_that_is_told_is_that_of_the_turn(store: JobStore, index: JobIndex) -> None:
    batch = accepted_batch(store, 30)
    alone = [accepted(store).id for _ in range(25)]
    told = {
        job_id: index.outlook(known(store, job_id)).position for job_id in (*batch.jobs, *alone)
    }

    taken = turns(store, 55)

    assert [told[job_id] for job_id in taken] == list(range(1, 56))
