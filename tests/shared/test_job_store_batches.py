"""Contract of the job store: a batch is taken whole or not at all, and counts its jobs."""

from dataclasses import replace

import pytest
from redis import Redis

from shared.errors import KeyReused, StoreUnavailable
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Pace, Release, Replay
from shared.scripts import PREFIX
from shared.services import connect
from tests.builders import (
    CLAIM,
    LEASE_MS,
    a_batch,
    accepted,
    accepted_batch,
    at_once,
    dump,
    fits,
    known,
    now_ms,
    places,
)

REPLAY = Replay("key", "fingerprint")


def counts(index: JobIndex, batch_id: str) -> dict[str, int]:
    """Return how many jobs of a batch are in each status, without those where there are none."""
    batch = index.batch(batch_id)
    assert batch is not None
    return {status: number for status, number in batch.counts.items() if number}


def test_a_batch_is_stored_as_given(store: JobStore, index: JobIndex) -> None:
    batch, jobs = a_batch(3)
    batch = replace(batch, metadata={"order": "7"}, request_id="r1", webhook="https://x.example/h")

    taken = store.accept_batch(batch, jobs, 10)

    assert not taken.replayed
    assert taken.thing == index.batch(batch.id)
    assert taken.batch == replace(
        batch, jobs=tuple(job.id for job in jobs), created=taken.batch.created, queued=3
    )


def test_its_jobs_are_queued_in_the_order_of_the_request(
    store: JobStore, redis_client: "Redis"
) -> None:
    batch = accepted_batch(store, 20)
    store.heartbeat("w", 20, 60_000)

    assert store.dispatch() == list(batch.jobs)
    assert {known(store, job_id).batch for job_id in batch.jobs} == {batch.id}


def test_its_jobs_and_itself_are_made_at_one_moment_by_the_clock_of_the_store(
    store: JobStore, redis_client: "Redis"
) -> None:
    before = now_ms(redis_client)

    batch = accepted_batch(store, 5, deadline=60_000)

    assert before <= batch.created <= now_ms(redis_client)
    jobs = [known(store, job_id) for job_id in batch.jobs]
    assert {job.created for job in jobs} == {batch.created}
    assert {job.deadline for job in jobs} == {batch.created + 60_000}
    assert all(store.find_by_image(job.image) == job for job in jobs)


def test_what_was_just_accepted_comes_with_its_jobs_as_they_are_stored(store: JobStore) -> None:
    batch, jobs = a_batch(2)

    taken = store.accept_batch(batch, jobs, 10)

    stored = [known(store, job.id) for job in jobs]
    assert [replace(job, deadline=0) for job in taken.jobs] == [
        replace(job, deadline=0) for job in stored
    ]


def test_a_batch_that_does_not_fit_into_the_queue_is_refused_whole(
    store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store)
    before = dump(redis_client)

    assert not fits(lambda: store.accept_batch(*a_batch(3), 3))
    assert dump(redis_client) == before


def test_a_batch_that_just_fits_is_taken(store: JobStore) -> None:
    accepted(store)

    assert fits(lambda: store.accept_batch(*a_batch(3), 4))


def test_a_batch_too_late_for_its_caller_is_refused_whole(
    store: JobStore, redis_client: "Redis"
) -> None:
    class Late(JobStore):
        def _patience_ends(self) -> int:
            return now_ms(redis_client) - 1

    with pytest.raises(StoreUnavailable, match="too late"):
        Late(redis_client, Pace(1)).accept_batch(*a_batch(3), 10)

    assert not redis_client.keys(f"{PREFIX}*")


def test_the_same_batch_again_changes_nothing(store: JobStore, redis_client: "Redis") -> None:
    batch, jobs = a_batch(3)
    first = store.accept_batch(batch, jobs, 10)
    store.claim(jobs[0].id, CLAIM, LEASE_MS)
    before = dump(redis_client)

    again = store.accept_batch(batch, jobs, 10)

    assert again == first
    assert dump(redis_client) == before


def test_a_key_that_was_used_for_the_same_gives_the_first_batch_as_it_is_now(
    store: JobStore, redis_client: "Redis"
) -> None:
    first = store.accept_batch(*a_batch(2), 10, REPLAY)
    store.cancel(first.batch.jobs)
    before = dump(redis_client)

    again = store.accept_batch(*a_batch(2), 0, REPLAY)

    assert (again.replayed, again.jobs) == (True, ())
    assert (again.batch.id, again.batch.status) == (first.batch.id, "canceled")
    assert dump(redis_client) == before


def test_a_key_that_was_used_for_another_batch_is_refused(
    store: JobStore, redis_client: "Redis"
) -> None:
    store.accept_batch(*a_batch(2), 10, REPLAY)
    before = dump(redis_client)

    with pytest.raises(KeyReused):
        store.accept_batch(*a_batch(2), 10, replace(REPLAY, fingerprint="another"))

    assert dump(redis_client) == before


def test_fifty_callers_with_one_key_make_one_batch(store: JobStore, redis_client: "Redis") -> None:
    answers = at_once(lambda _: store.accept_batch(*a_batch(3), 10_000, REPLAY), range(50))

    assert len({answer.batch.id for answer in answers}) == 1
    assert sum(answer.replayed for answer in answers) == 49
    assert redis_client.zcard(f"{PREFIX}queued_batch") == 3


def test_a_full_queue_takes_whole_batches_only(store: JobStore, redis_client: "Redis") -> None:
    taken = at_once(lambda _: fits(lambda: store.accept_batch(*a_batch(7), 50)), range(20))

    assert sum(taken) == 7
    assert redis_client.zcard(f"{PREFIX}queued_batch") == 49


def test_a_batch_counts_its_jobs_through_their_lives(store: JobStore, index: JobIndex) -> None:
    batch = accepted_batch(store, 4)
    first, second, third, fourth = batch.jobs

    for job_id in (first, second, third):
        store.claim(job_id, CLAIM, LEASE_MS)
    assert counts(index, batch.id) == {"queued": 1, "running": 3}
    store.release(first, CLAIM, Release(pause_ms=60_000))
    assert counts(index, batch.id) == {"queued": 2, "running": 2}
    store.succeed(second)
    store.fail(third, CLAIM)
    assert counts(index, batch.id) == {"queued": 2, "succeeded": 1, "failed": 1}
    store.cancel([first, fourth])
    assert counts(index, batch.id) == {"succeeded": 1, "failed": 1, "canceled": 2}


def test_a_batch_is_finished_with_the_last_of_its_jobs_and_not_before(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    batch = accepted_batch(store, 2)
    store.succeed(batch.jobs[0])
    store.claim(batch.jobs[1], CLAIM, LEASE_MS)
    open_still = index.batch(batch.id)
    before = now_ms(redis_client)

    store.succeed(batch.jobs[1])

    ended = index.batch(batch.id)
    assert open_still is not None
    assert ended is not None
    assert (open_still.terminal, open_still.status) == (False, "running")
    assert (ended.terminal, ended.status) == (True, "succeeded")
    assert before <= (ended.finished or 0) <= now_ms(redis_client)


def test_each_change_of_a_job_raises_the_revision_of_its_batch_and_is_told(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    batch = accepted_batch(store, 2)
    with redis_client.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{PREFIX}events")
        channel.get_message(timeout=5)
        store.claim(batch.jobs[0], CLAIM, LEASE_MS)
        store.succeed(batch.jobs[0])
        store.cancel(batch.jobs)
        heard = [str((channel.get_message(timeout=5) or {})["data"]) for _ in range(6)]

    ours = [message for message in heard if message.startswith(batch.id)]
    assert ours == [f"{batch.id} 2 running", f"{batch.id} 3 running", f"{batch.id} 4 finished"]
    now = index.batch(batch.id)
    assert now is not None
    assert now.revision == 4


@pytest.mark.parametrize("what", ["settle", "forget"])
def test_what_an_ended_job_still_learns_raises_the_revision_of_its_batch(
    store: JobStore, index: JobIndex, what: str
) -> None:
    batch = accepted_batch(store, 1)
    (job_id,) = batch.jobs
    store.claim(job_id, CLAIM, LEASE_MS)
    store.begin_call(job_id, CLAIM, 1_000)
    if what == "settle":
        store.cancel([job_id])
    else:
        store.succeed(job_id)
    ended = index.batch(batch.id)

    done = (
        store.settle(job_id, CLAIM, 3_000) if what == "settle" else store.forget_image(job_id, "x")
    )

    now = index.batch(batch.id)
    assert done
    assert ended is not None
    assert now == replace(ended, revision=ended.revision + 1)


def test_a_job_that_belongs_to_no_batch_makes_none(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)

    store.cancel([job.id])

    assert not redis_client.keys(f"{PREFIX}batch:*")
    assert places(redis_client, job.id) == []


def test_many_workers_at_once_leave_the_counts_right(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    batch = accepted_batch(store, 60)

    def work(numbered: tuple[int, str]) -> None:
        number, job_id = numbered
        store.claim(job_id, CLAIM, LEASE_MS)
        if number % 3 == 0:
            store.succeed(job_id)
        elif number % 3 == 1:
            store.fail(job_id, CLAIM)
        else:
            store.cancel([job_id])

    at_once(work, enumerate(batch.jobs))

    assert counts(index, batch.id) == {"succeeded": 20, "failed": 20, "canceled": 20}
    ended = index.batch(batch.id)
    assert ended is not None
    assert (ended.status, ended.revision) == ("partial", 121)


def test_an_unknown_batch_is_not_found(index: JobIndex) -> None:
    assert index.batch("0" * 32) is None


def test_a_store_that_is_away_says_so() -> None:
    store = JobStore(connect("redis://127.0.0.1:1/0"), Pace(1))

    with pytest.raises(StoreUnavailable, match="does not answer"):
        store.accept_batch(*a_batch(2), 10)
