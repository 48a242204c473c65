"""Contract of the job store: what is lost is found, and one sweeper alone decides about it."""

from dataclasses import replace

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    at_once,
    dump,
    in_state,
    known,
    now_ms,
    orphan,
    places,
    running,
)


def test_a_sweep_puts_back_what_no_worker_claimed(store: JobStore, redis_client: "Redis") -> None:
    lost, fresh = in_state(store, "dispatched"), in_state(store, "dispatched")
    redis_client.zadd(f"{PREFIX}dispatched", {lost: now_ms(redis_client) - 10_001})

    found = store.sweep("s", LEASE_MS)

    assert (found.put_back, found.orphans, found.overdue) == (1, [], [])
    assert places(redis_client, lost) == ["queued"]
    assert places(redis_client, fresh) == ["dispatched"]


@pytest.mark.parametrize(("place", "back"), [("dispatched", "queued"), ("resuming", "parked")])
def test_a_message_that_was_sent_before_the_clock_went_back_is_put_back(
    store: JobStore, redis_client: "Redis", place: str, back: str
) -> None:
    lost = in_state(store, place)
    redis_client.zadd(f"{PREFIX}{place}", {lost: now_ms(redis_client) + 3_600_000})

    assert store.sweep("s", LEASE_MS).put_back == 1
    assert places(redis_client, lost) == [back]


def test_a_sweep_adopts_orphans_and_names_overdue_jobs(
    store: JobStore, redis_client: "Redis"
) -> None:
    lost, overdue = orphan(store, redis_client, sent=True), in_state(store, "delayed")
    healthy, waiting = running(store), accepted(store)
    redis_client.zadd(f"{PREFIX}deadlines", {overdue: now_ms(redis_client) - 1})
    others = [known(store, job_id) for job_id in (overdue, healthy.id, waiting.id)]

    found = store.sweep("s", LEASE_MS)

    assert (found.put_back, found.orphans, found.overdue) == (0, [lost.id], [overdue])
    assert known(store, lost.id) == replace(lost, claim="s")
    assert [known(store, job.id) for job in others] == others


def test_of_many_sweepers_one_decides_about_an_orphan(
    store: JobStore, redis_client: "Redis"
) -> None:
    lost = [orphan(store, redis_client, sent=False).id for _ in range(10)]

    sweeps = at_once(lambda n: store.sweep(f"s{n}", LEASE_MS), range(20))

    assert sorted(job_id for found in sweeps for job_id in found.orphans) == sorted(lost)


def test_a_worker_that_comes_to_itself_after_it_was_swept_has_lost_its_job(
    store: JobStore, redis_client: "Redis"
) -> None:
    lost = orphan(store, redis_client, sent=True)
    store.sweep("s", LEASE_MS)
    before = dump(redis_client)

    assert store.renew({lost.id: CLAIM}, LEASE_MS) == [lost.id]
    assert not store.release(lost.id, CLAIM, Release())
    assert not store.fail(lost.id, CLAIM)
    assert dump(redis_client) == before
    assert store.succeed(lost.id)


def test_what_a_lost_sweeper_adopted_is_adopted_again(
    store: JobStore, redis_client: "Redis"
) -> None:
    lost = orphan(store, redis_client, sent=False)
    store.sweep("s1", LEASE_MS)
    assert store.sweep("s2", LEASE_MS).orphans == []

    redis_client.zadd(f"{PREFIX}running", {lost.id: 1})

    assert store.sweep("s2", LEASE_MS).orphans == [lost.id]
