"""Contract of the job store: the turn goes from key to key, whoever has how much waiting."""

from collections.abc import Iterable

from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import UNCLAIMED_MS, JobStore
from shared.jobs import new_job_id
from shared.limits import KeyLimits, Limits
from shared.moves import Depth, Pace, Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    a_job,
    accepted,
    accepted_batch,
    at_once,
    dispatched,
    dump,
    fits,
    known,
    now_ms,
    parked,
    places,
    running,
)

PACE = Pace(1e-6)


def limited(redis: "Redis", **running: int) -> JobStore:
    """Return a store in which each of these owners may have so many jobs running."""
    named = {name: Limits(running=most) for name, most in running.items()}
    return JobStore(redis, PACE, KeyLimits(named=named))


def waiting(store: JobStore, number: int, owner: str = "") -> list[str]:
    """Return the ids of jobs that wait, the first first: what came in one moment goes by its id."""
    ids = sorted(new_job_id() for _ in range(number))
    return [accepted(store, id=job_id, owner=owner).id for job_id in ids]


def past_their_deadline(redis: "Redis", job_ids: Iterable[str]) -> None:
    """Let the deadlines of jobs have passed."""
    for job_id in job_ids:
        redis.hset(f"{PREFIX}job:{job_id}", "deadline", 1)


def started(store: JobStore, slots: int = 1) -> list[str]:
    """Return the ids that are dispatched to so many free slots, and claimed."""
    store.heartbeat("w", slots, 60_000)
    ids = store.dispatch()
    assert all(store.claim(job_id, CLAIM, LEASE_MS) for job_id in ids)
    return ids


def turns(store: JobStore, number: int) -> list[str]:
    """Return the ids that start one after another in a single slot."""
    taken = []
    for _ in range(number):
        (job_id,) = started(store)
        store.succeed(job_id)
        taken.append(job_id)
    return taken


def test_a_single_job_goes_next_though_another_key_has_a_thousand_waiting(store: JobStore) -> None:
    for _ in range(10):
        accepted_batch(store, 100, owner="alice")
    single = accepted(store, owner="bob")

    assert single.id in turns(store, 2)


def test_the_turn_goes_round(store: JobStore) -> None:
    ids = {owner: waiting(store, 3, owner) for owner in ("a", "", "b")}

    taken = turns(store, 9)

    assert taken == [job_id for round_ in zip(*ids.values(), strict=True) for job_id in round_]


def test_who_comes_back_stands_behind_those_that_wait(store: JobStore) -> None:
    a, b = waiting(store, 3, "a"), waiting(store, 3, "b")
    taken = turns(store, 1)
    latecomer = accepted(store, owner="c").id

    assert [*taken, *turns(store, 3)] == [a[0], b[0], a[1], latecomer]


def test_many_slots_at_once_are_shared_as_single_ones_are(store: JobStore) -> None:
    waiting(store, 20, "a")
    few = waiting(store, 3, "b")

    ids = started(store, 10)

    assert set(few) <= set(ids[:6])
    assert len(ids) == 10


def test_lanes_are_each_keys_own(store: JobStore) -> None:
    batch = accepted_batch(store, 5, owner="a")
    alone = waiting(store, 20, "a")
    other = accepted_batch(store, 2, owner="b")

    taken = turns(store, 14)

    assert [job_id for job_id in taken if job_id in other.jobs] == [taken[1], taken[3]]
    theirs = [job_id for job_id in taken if job_id not in other.jobs]
    assert theirs == [*alone[:9], batch.jobs[0], *alone[9:11]]


def test_the_place_that_is_told_counts_the_turns_that_were_taken(
    store: JobStore, index: JobIndex
) -> None:
    batch, alone = accepted_batch(store, 4, owner="a"), waiting(store, 25, "a")
    gone = turns(store, 7)
    left = [job_id for job_id in (*batch.jobs, *alone) if job_id not in gone]
    told = {job_id: index.outlook(known(store, job_id)).position for job_id in left}

    assert [told[job_id] for job_id in turns(store, len(left))] == list(range(1, len(left) + 1))


def test_who_has_as_many_running_as_it_may_waits_and_keeps_nobody_back(
    redis_client: "Redis",
) -> None:
    store = limited(redis_client, a=2)
    mine = waiting(store, 4, "a")
    others = waiting(store, 4, "b")

    first = started(store, 6)
    assert set(first) == {*mine[:2], *others}
    store.succeed(mine[0])

    assert started(store, 6) == [mine[2]]


def test_what_was_sent_and_what_cooks_counts_as_running(redis_client: "Redis") -> None:
    store = limited(redis_client, a=2)
    parked(store, owner="a")
    dispatched(store, accepted(store, owner="a"))
    waiting = accepted(store, owner="a")

    assert started(store, 9) == []
    assert store.claim(waiting.id, CLAIM, LEASE_MS) is None


def test_what_is_paid_for_is_asked_for_whatever_the_limit(redis_client: "Redis") -> None:
    store = limited(redis_client, a=1)
    cooks = parked(store, 0, owner="a")

    assert store.dispatch() == []
    store.heartbeat("w", 9, 60_000)
    assert store.dispatch() == [cooks.id]


def test_a_worker_that_dies_takes_no_place_with_it(redis_client: "Redis") -> None:
    store = limited(redis_client, a=1)
    job, waiting = running(store, owner="a"), accepted(store, owner="a")
    redis_client.zadd(f"{PREFIX}running", {job.id: 1})
    (orphan,) = store.sweep("sweeper", LEASE_MS).orphans
    assert started(store, 9) == []

    assert store.release(orphan, "sweeper", Release())

    assert started(store, 9) == [job.id]
    store.cancel([job.id])
    assert started(store, 9) == [waiting.id]


def test_a_lost_message_takes_no_place_with_it(redis_client: "Redis") -> None:
    store = limited(redis_client, a=1)
    job = accepted(store, owner="a")
    dispatched(store, job)
    redis_client.zincrby(f"{PREFIX}dispatched", -UNCLAIMED_MS, job.id)

    assert store.sweep("sweeper", LEASE_MS).put_back == 1

    assert started(store) == [job.id]


def test_many_dispatchers_at_once_keep_the_limit(redis_client: "Redis") -> None:
    store = limited(redis_client, a=3)
    waiting(store, 20, "a")
    store.heartbeat("w", 50, 60_000)

    sent = [job_id for ids in at_once(lambda _: store.dispatch(), range(20)) for job_id in ids]

    assert len(sent) == 3


def test_a_limit_for_everybody_is_each_keys_own(redis_client: "Redis") -> None:
    store = JobStore(redis_client, PACE, KeyLimits(Limits(running=1), {"c": Limits()}))
    for owner in ("", "a", "b", "c"):
        accepted_batch(store, 2, owner=owner)

    ids = started(store, 20)

    owners = [known(store, job_id).owner for job_id in ids]
    assert sorted(owners) == ["", "a", "b", "c", "c"]


def test_what_an_earlier_release_has_queued_is_run(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    alone, batch = accepted(store), accepted_batch(store, 2)
    redis_client.delete(f"{PREFIX}ring")  # it knew none
    assert redis_client.hget(f"{PREFIX}job:{alone.id}", "owner") is None
    newer = accepted(store, owner="a")

    assert index.depth() == Depth(waiting=4, running=0)
    assert not fits(lambda: store.accept(a_job(), 4))
    assert set(turns(store, 4)) == {alone.id, *batch.jobs, newer.id}


def test_what_an_earlier_release_has_ended_in_between_keeps_nobody_back(
    store: JobStore, redis_client: "Redis"
) -> None:
    ended, emptied, other = (accepted(store, owner=owner) for owner in ("a", "b", "c"))
    redis_client.hset(f"{PREFIX}job:{ended.id}", "status", "canceled")
    redis_client.delete(f"{PREFIX}queued:b")  # it knew of no ring
    later = accepted(store, owner="a")

    assert set(started(store, 9)) == {other.id, later.id}
    assert emptied.id not in started(store, 9)
    assert not redis_client.exists(f"{PREFIX}ring")


def test_nothing_of_an_owner_is_left_when_its_jobs_have_ended(
    store: JobStore, redis_client: "Redis"
) -> None:
    for owner in ("", "a"):
        accepted(store, owner=owner)
        accepted_batch(store, 12, owner=owner)
    while ids := started(store, 5):
        for job_id in ids:
            store.succeed(job_id)

    kept = {name.removeprefix(PREFIX).split(":")[0] for name in dump(redis_client)}
    known_for_all = {"list", "owners", "schema", "spent", "tallies", "workers"}
    assert kept == {"job", "batch", "image"} | known_for_all


def test_the_place_that_is_told_tells_of_other_keys_and_their_limits(
    redis_client: "Redis",
) -> None:
    limits = KeyLimits(named={"a": Limits(running=2)})
    store, index = JobStore(redis_client, PACE, limits), JobIndex(redis_client, PACE, limits)
    busy = waiting(store, 5, "a")
    mine = waiting(store, 4, "b")

    def told(ids: list[str]) -> list[tuple[int | None, str]]:
        outlooks = [index.outlook(known(store, job_id)) for job_id in ids]
        return [(outlook.position, outlook.holdup) for outlook in outlooks]

    assert told(mine) == [(2, ""), (4, ""), (5, ""), (6, "")]
    assert told(busy)[:3] == [(1, ""), (3, ""), (5, "key_running")]


def test_jobs_past_their_deadline_keep_no_place_from_others(
    store: JobStore, redis_client: "Redis"
) -> None:
    late = waiting(store, 9, "alice")
    past_their_deadline(redis_client, late)
    fresh, other = accepted(store, owner="alice").id, accepted(store, owner="bob").id
    store.heartbeat("w", 2, 60_000)

    assert store.dispatch() == [fresh, other]
    assert [places(redis_client, job_id) for job_id in late] == [["delayed"]] * 9
    assert store.fail(late[0], "", error_code="deadline_passed")


def test_thousands_of_them_keep_nobody_waiting(store: JobStore, redis_client: "Redis") -> None:
    batch = accepted_batch(store, 500, owner="alice")
    past_their_deadline(redis_client, batch.jobs)
    fresh, other = accepted_batch(store, 1, owner="alice").jobs[0], accepted(store, owner="bob").id
    redis_client.zadd(f"{PREFIX}queued_batch:alice", {fresh: now_ms(redis_client) + 1})
    store.heartbeat("w", 9, 60_000)

    assert store.dispatch() == [other]
    assert 0 < redis_client.zcard(f"{PREFIX}delayed") < 500
    assert [store.dispatch() for _ in range(2)] == [[], [fresh]]


def test_who_has_nothing_else_has_no_turn(store: JobStore, redis_client: "Redis") -> None:
    job_id = accepted(store, owner="alice").id
    past_their_deadline(redis_client, [job_id])
    store.heartbeat("w", 2, 60_000)

    assert store.dispatch() == []
    assert redis_client.exists(f"{PREFIX}ring") == 0
    assert places(redis_client, job_id) == ["delayed"]
