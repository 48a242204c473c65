"""Contract of the job store: what one key may have waiting, and what its jobs may cost a day."""

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.limits import KeyLimits, Limits
from shared.moves import Pace, Release, Replay
from shared.over_limit import BudgetExceeded, KeyBudgetExceeded, KeyQueueFull, QueueFull
from tests.builders import CLAIM, LEASE_MS, a_batch, a_job, accepted, at_once, dump, fits

LONG = 10_000


@pytest.fixture
def store(redis_client: "Redis") -> JobStore:
    """Give a store in which alice may have five jobs waiting, and bob may spend ten credits a day."""
    limits = KeyLimits(named={"alice": Limits(queued=5), "bob": Limits(credits_per_day=10_000)})
    return JobStore(redis_client, Pace(1e-6), limits)


def waits(store: JobStore, owner: str = "alice") -> bool:
    """Tell whether one more job is taken."""
    return fits(lambda: store.accept(a_job(owner=owner), LONG))


def test_fifty_at_once_fill_exactly_what_a_key_may_have_waiting(store: JobStore) -> None:
    assert sum(at_once(lambda _: waits(store), range(50))) == 5
    assert waits(store, "carol")


def test_what_runs_or_has_ended_makes_room(store: JobStore) -> None:
    jobs = [accepted(store, owner="alice") for _ in range(5)]
    assert not waits(store)

    assert store.claim(jobs[0].id, CLAIM, LEASE_MS)
    store.cancel([jobs[1].id])

    assert [waits(store) for _ in range(3)] == [True, True, False]


def test_what_pauses_or_was_sent_still_waits(store: JobStore) -> None:
    jobs = [accepted(store, owner="alice") for _ in range(5)]
    assert store.claim(jobs[0].id, CLAIM, LEASE_MS)
    assert store.release(jobs[0].id, CLAIM, Release(pause_ms=60_000))
    store.heartbeat("w", 2, 60_000)
    assert len(store.dispatch()) == 2

    assert not waits(store)


def test_a_batch_is_taken_whole_or_not_and_the_room_is_told(
    store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store, owner="alice")
    before = dump(redis_client)

    with pytest.raises(KeyQueueFull, match="may have 5 jobs waiting, and has room for 4") as raised:
        store.accept_batch(*a_batch(5, owner="alice"), LONG)

    assert (raised.value.quota, raised.value.left) == (5, 4)
    assert dump(redis_client) == before
    assert fits(lambda: store.accept_batch(*a_batch(4, owner="alice"), LONG))


def test_the_limit_of_all_counts_all(store: JobStore) -> None:
    accepted(store, owner="carol")

    with pytest.raises(QueueFull) as raised:
        store.accept(a_job(owner="alice"), 1)

    assert type(raised.value) is QueueFull


def test_fifty_at_once_spend_exactly_what_a_key_has(store: JobStore) -> None:
    assert sum(at_once(lambda _: waits(store, "bob"), range(50))) == 3

    with pytest.raises(KeyBudgetExceeded) as raised:
        store.accept(a_job(owner="bob"), LONG)
    told = "This would cost 3 credits, and 1 of the 10 that this caller may spend a day are left"
    assert raised.value.message.startswith(told)


def test_what_one_key_spends_is_no_others_and_all_of_it_the_services(store: JobStore) -> None:
    for _ in range(3):
        accepted(store, owner="bob")

    assert fits(lambda: store.accept(a_job(owner="alice"), LONG, None, 12_000))
    with pytest.raises(BudgetExceeded, match="that this service may spend"):
        store.accept(a_job(owner="alice"), LONG, None, 12_000)


def test_what_did_not_cost_is_given_back_to_its_key(store: JobStore) -> None:
    jobs = [accepted(store, owner="bob") for _ in range(3)]
    assert not waits(store, "bob")

    store.cancel([jobs[0].id])
    assert waits(store, "bob")
    assert not waits(store, "bob")
    store.fail(jobs[1].id, "", credits=0)

    assert waits(store, "bob")
    store.succeed(jobs[2].id, credits=3_000)
    assert not waits(store, "bob")


def test_a_request_that_comes_again_is_answered_whatever_is_left(store: JobStore) -> None:
    for owner, number in (("alice", 5), ("bob", 3)):
        job, replay = a_job(owner=owner), Replay(f"{owner}:k", "f")
        first = store.accept(job, LONG, replay)
        for _ in range(number - 1):
            accepted(store, owner=owner)
        assert not waits(store, owner)

        again = store.accept(a_job(owner=owner), LONG, replay)

        assert (again.replayed, again.job.id) == (True, first.job.id)
