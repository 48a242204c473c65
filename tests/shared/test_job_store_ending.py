"""Contract of the job store: the call of a canceled job takes its places until it has ended."""

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.jobs import Job
from shared.limits import KeyLimits, Limits
from shared.moves import Pace
from shared.scripts import PREFIX
from tests.builders import CLAIM, LEASE_MS, accepted, now_ms, places, running

OWNERS = ["", "alice"]


@pytest.fixture
def store(redis_client: "Redis") -> JobStore:
    """Give a store in which every owner may have two jobs running, and a worker of three slots."""
    store = JobStore(redis_client, Pace(1e-6), KeyLimits(everybody=Limits(running=2)))
    store.heartbeat("w", 3, 60_000)
    return store


def canceled(store: JobStore, owner: str = "") -> Job:
    """Return a job that was canceled in the middle of its call."""
    job = running(store, owner=owner)
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    assert store.cancel([job.id]) == 1
    return job


@pytest.mark.parametrize("owner", OWNERS)
def test_canceling_in_the_middle_of_calls_lets_no_more_of_them_begin(
    store: JobStore, owner: str
) -> None:
    jobs = [canceled(store, owner) for _ in range(2)]
    waits = accepted(store, owner=owner)

    before = [store.dispatch(), store.claim(waits.id, "late", LEASE_MS)]
    store.settle(jobs[0].id, CLAIM, None)

    assert before == [[], None]
    assert store.dispatch() == [waits.id]


def test_the_calls_that_still_go_on_hold_their_workers_slots(store: JobStore) -> None:
    jobs = [canceled(store, owner) for owner in ("a", "a", "b")]
    waits = accepted(store, owner="c")

    before = store.dispatch()
    store.settle(jobs[0].id, CLAIM, 3_000)

    assert before == []
    assert store.dispatch() == [waits.id]


def test_who_knows_that_a_call_has_ended_is_who_sent_it(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = canceled(store)

    store.settle(job.id, "another", 3_000)
    before = places(redis_client, job.id)
    store.settle(job.id, CLAIM, 3_000)

    assert (before, places(redis_client, job.id)) == (["ending"], [])


def test_as_long_as_its_worker_lives_a_call_goes_on_and_is_not_its_jobs_any_more(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = canceled(store)
    redis_client.zadd(f"{PREFIX}ending", {job.id: 1})

    lost = store.renew({job.id: CLAIM}, LEASE_MS)
    store.sweep("s", LEASE_MS)

    assert lost == [job.id]
    assert places(redis_client, job.id) == ["ending"]
    assert places(redis_client, canceled(store, "b").id) == ["ending"]


@pytest.mark.parametrize("owner", OWNERS)
def test_the_call_of_a_worker_that_is_gone_has_ended_with_its_lease(
    store: JobStore, redis_client: "Redis", owner: str
) -> None:
    jobs = [canceled(store, owner) for _ in range(2)]
    waits = accepted(store, owner=owner)
    redis_client.zadd(f"{PREFIX}ending", {job.id: 1 for job in jobs})

    assert store.renew({jobs[0].id: "another"}, LEASE_MS) == [jobs[0].id]
    store.sweep("s", LEASE_MS)

    assert [places(redis_client, job.id) for job in jobs] == [[], []]
    assert store.dispatch() == [waits.id]
    assert not list(redis_client.scan_iter(f"{PREFIX}*ending*"))


def test_an_outage_or_a_clock_that_went_back_ends_no_call_and_keeps_none_for_ever(
    store: JobStore, redis_client: "Redis"
) -> None:
    job, ahead = canceled(store), canceled(store)
    now = now_ms(redis_client)
    redis_client.zadd(f"{PREFIX}ending", {job.id: now - 1, ahead.id: now + 3_600_000})
    redis_client.set(f"{PREFIX}sweep:last", now - 20_000)

    store.sweep("s", LEASE_MS)

    assert places(redis_client, job.id) == ["ending"]
    assert float(redis_client.zscore(f"{PREFIX}ending", ahead.id) or 0) <= now + LEASE_MS + 5_000


def test_what_was_not_sent_takes_no_place_any_more(store: JobStore, redis_client: "Redis") -> None:
    job = running(store)

    store.cancel([job.id])

    assert places(redis_client, job.id) == []
