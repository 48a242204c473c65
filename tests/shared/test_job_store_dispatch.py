"""Contract of the job store: which jobs can start now, who lives to run them, who may wait."""

import pytest
from redis import Redis

from shared.acceptance import LOOK_AHEAD_MS
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Pace, Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    accepted,
    at_once,
    dump,
    in_state,
    known,
    now_ms,
    places,
    running,
)

HALF = Pace(LOOK_AHEAD_MS / 2)


def queued(store: JobStore, redis: "Redis", count: int) -> list[str]:
    """Return the ids of jobs that wait in this order, however fast they were accepted."""
    ids = [accepted(store).id for _ in range(count)]
    redis.zadd(f"{PREFIX}queued", {job_id: n for n, job_id in enumerate(ids)})
    return ids


def test_without_a_worker_nothing_is_dispatched(store: JobStore) -> None:
    accepted(store)

    assert store.dispatch() == []


def test_jobs_are_dispatched_in_order_to_free_workers(
    store: JobStore, redis_client: "Redis"
) -> None:
    ids = queued(store, redis_client, 5)
    store.heartbeat("a", 2, 60_000)
    store.heartbeat("b", 1, 60_000)

    assert store.dispatch() == ids[:3]
    assert [places(redis_client, job_id) for job_id in ids] == [
        *[["dispatched"]] * 3,
        *[["queued"]] * 2,
    ]


def test_what_is_dispatched_or_runs_takes_a_place_of_its_worker(
    store: JobStore, redis_client: "Redis"
) -> None:
    running(store)
    in_state(store, "dispatched")
    ids = queued(store, redis_client, 3)
    store.heartbeat("a", 4, 60_000)

    assert store.dispatch() == ids[:2]
    assert store.dispatch() == []


def test_a_dispatch_changes_no_record(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)
    store.heartbeat("a", 1, 60_000)

    store.dispatch()

    assert known(store, job.id) == job


def test_many_dispatchers_at_once_send_every_job_once(store: JobStore) -> None:
    ids = [accepted(store).id for _ in range(60)]
    store.heartbeat("a", 50, 60_000)

    answers = at_once(lambda _: store.dispatch(), range(20))

    sent = [job_id for answer in answers for job_id in answer]
    assert len(sent) == len(set(sent)) == 50
    assert set(sent) <= set(ids)


@pytest.mark.parametrize(("ahead", "room"), [(-9, 3), (0.5, 2), (1, 1), (2, 0)])
def test_no_more_is_dispatched_than_the_slots_looked_ahead_to(
    redis_client: "Redis", ahead: float, room: int
) -> None:
    store = JobStore(redis_client, HALF)
    ids = queued(store, redis_client, 9)
    store.heartbeat("a", 100, 60_000)
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + ahead * LOOK_AHEAD_MS)

    assert store.dispatch() == ids[:room]


def test_slots_that_are_promised_are_not_promised_again(redis_client: "Redis") -> None:
    store = JobStore(redis_client, HALF)
    queued(store, redis_client, 9)
    store.heartbeat("a", 100, 60_000)

    assert len(store.dispatch()) == 3
    assert store.dispatch() == []


@pytest.mark.parametrize(("pause", "room"), [(60_000, 0), (LOOK_AHEAD_MS // 2, 2)])
def test_a_pause_leaves_only_the_slots_behind_it(
    redis_client: "Redis", pause: int, room: int
) -> None:
    store = JobStore(redis_client, HALF)
    ids = queued(store, redis_client, 9)
    store.heartbeat("a", 100, 60_000)

    store.pause(pause)

    assert store.dispatch() == ids[:room]


def test_a_delayed_job_is_dispatched_when_its_time_has_come(
    store: JobStore, redis_client: "Redis"
) -> None:
    early, ripe = in_state(store, "delayed"), in_state(store, "delayed")
    redis_client.zadd(f"{PREFIX}delayed", {ripe: now_ms(redis_client)})
    store.heartbeat("a", 9, 60_000)

    assert store.dispatch() == [ripe]
    assert places(redis_client, early) == ["delayed"]


def test_a_ripe_job_takes_its_old_place_before_younger_ones(
    store: JobStore, redis_client: "Redis"
) -> None:
    old = running(store)
    store.release(old.id, CLAIM, Release(pause_ms=60_000))
    redis_client.hset(f"{PREFIX}job:{old.id}", "created", 1)
    redis_client.zadd(f"{PREFIX}delayed", {old.id: 1})
    accepted(store)
    store.heartbeat("a", 1, 60_000)

    assert store.dispatch() == [old.id]


def test_a_worker_lives_by_its_heartbeat(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    store.heartbeat("a", 5, 60_000)
    store.heartbeat("b", 5, 60_000)
    assert len(index.worker_slots()) == 2

    redis_client.zadd(f"{PREFIX}workers", {"b": now_ms(redis_client) - 1})

    assert len(index.worker_slots()) == 1


def test_a_dead_worker_gets_no_jobs_and_is_forgotten(
    store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store)
    store.heartbeat("dead", 5, 60_000)
    redis_client.zadd(f"{PREFIX}workers", {"dead": now_ms(redis_client) - 1})
    assert store.dispatch() == []

    store.heartbeat("a", 7, 60_000)

    assert redis_client.hgetall(f"{PREFIX}workers:capacity") == {"a": "7"}


def test_a_worker_that_says_good_bye_is_gone_at_once(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    store.heartbeat("a", 5, 60_000)

    store.heartbeat("a", 5, 0)

    assert len(index.worker_slots()) == 0
    assert dump(redis_client).keys() == {f"{PREFIX}schema"}


def test_exactly_twenty_may_wait_for_one_image(index: JobIndex) -> None:
    answers = at_once(lambda n: index.hold("a.png", f"w{n}", 60_000, 20), range(50))

    assert sum(answers) == 20
    assert index.hold("b.png", "w0", 60_000, 20)


def test_a_place_that_is_given_back_is_free(index: JobIndex) -> None:
    index.hold("a.png", "w1", 60_000, 1)
    assert not index.hold("a.png", "w2", 60_000, 1)

    index.let_go("a.png", "w1")

    assert index.hold("a.png", "w2", 60_000, 1)


def test_a_place_that_a_crash_leaves_runs_out(index: JobIndex, redis_client: "Redis") -> None:
    index.hold("a.png", "w1", 60_000, 1)
    assert 0 < redis_client.pttl(f"{PREFIX}waiters:a.png") <= 60_000

    redis_client.zadd(f"{PREFIX}waiters:a.png", {"w1": now_ms(redis_client) - 1})

    assert index.hold("a.png", "w2", 60_000, 1)


def test_a_short_wait_does_not_end_the_lease_of_a_long_one(
    index: JobIndex, redis_client: "Redis"
) -> None:
    index.hold("a.png", "long", 60_000, 20)

    index.hold("a.png", "short", 1_000, 20)

    assert redis_client.pttl(f"{PREFIX}waiters:a.png") > 50_000


def test_the_same_waiter_asking_again_keeps_its_place(index: JobIndex) -> None:
    index.hold("a.png", "w1", 60_000, 1)

    assert index.hold("a.png", "w1", 60_000, 1)
