"""Contract of the job store: what cooks at the provider is parked, asked for, and not started again."""

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import LOOK_AHEAD_MS, UNCLAIMED_MS, JobStore
from shared.moves import Depth, Pace, Release, Turn
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    PROVIDER_ID,
    a_job,
    accepted,
    at_once,
    dispatched,
    dump,
    in_state,
    known,
    now_ms,
    parked,
    places,
    running,
)
from tests.shared.test_job_store_moves import MOVES

POSSIBLE = {("claim", "resuming"), ("succeed", "parked"), ("succeed", "resuming")}
IMPOSSIBLE = [
    (move, state)
    for move in MOVES
    for state in ("parked", "resuming")
    if (move, state) not in POSSIBLE
]


def due(redis: "Redis", job_id: str) -> int:
    """Return when the result of a parked job can be asked for, in ms from now."""
    score = redis.zscore(f"{PREFIX}parked", job_id)
    assert score is not None
    return int(score) - now_ms(redis)


def resumed(store: JobStore, claim: str = CLAIM, **changes: Any) -> str:
    """Return the id of a job that a worker has taken up again, to ask for its result."""
    job_id = dispatched(store, parked(store, 0, **changes))
    assert store.claim(job_id, claim, LEASE_MS)
    return job_id


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
    assert redis_client.zscore(f"{PREFIX}deadlines", before.id) is None
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


def test_a_parked_job_is_left_alone_until_its_time_has_come(store: JobStore) -> None:
    early, ripe = parked(store, 60_000), parked(store, 0)
    store.heartbeat("w", 9, 60_000)

    assert store.dispatch() == [ripe.id]
    assert store.dispatch() == []
    assert store.claim(early.id, CLAIM, LEASE_MS) is None


def test_what_is_paid_for_comes_before_what_is_not_bought_yet(
    store: JobStore, redis_client: "Redis"
) -> None:
    waiting = [accepted(store).id for _ in range(3)]
    ripe = [parked(store, 0).id for _ in range(2)]
    store.heartbeat("w", 3, 60_000)

    first = store.dispatch()

    assert set(first[:2]) == set(ripe)
    assert len(first) == 3
    assert [places(redis_client, job_id) for job_id in first] == [
        ["resuming"],
        ["resuming"],
        ["dispatched"],
    ]
    assert first[2] in waiting


def test_what_cooks_takes_no_place_of_a_worker_and_what_is_asked_for_does(
    store: JobStore,
) -> None:
    parked(store, 60_000)
    resumed(store)
    in_state(store, "resuming")
    waiting = {accepted(store).id for _ in range(3)}
    store.heartbeat("w", 3, 60_000)

    assert len(waiting & set(store.dispatch())) == 1
    assert store.dispatch() == []


def test_asking_needs_slots_of_the_provider_like_any_call(redis_client: "Redis") -> None:
    store = JobStore(redis_client, Pace(1_000))
    for _ in range(9):
        job = accepted(store)
        store.park(job.id, PROVIDER_ID, 0)
    store.heartbeat("w", 100, 60_000)
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 1_000)

    assert LOOK_AHEAD_MS == 2_000
    assert len(store.dispatch()) == 2
    assert store.dispatch() == []


def test_while_calls_are_paused_nobody_asks(store: JobStore) -> None:
    parked(store, 0)
    store.heartbeat("w", 9, 60_000)

    store.pause(60_000)

    assert store.dispatch() == []


def test_a_clock_that_went_back_leaves_nothing_parked_for_ever(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = parked(store)
    redis_client.zadd(f"{PREFIX}parked", {job.id: now_ms(redis_client) + 5_000_000})
    store.heartbeat("w", 9, 60_000)

    assert store.dispatch() == [job.id]


def test_whoever_takes_it_up_again_finds_the_providers_id_and_changes_nothing_else(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = parked(store, 0)

    granted = store.claim(dispatched(store, job), "c2", LEASE_MS)

    assert granted == replace(job, claim="c2")
    assert known(store, job.id) == granted
    assert places(redis_client, job.id) == ["running"]
    assert store.claim(job.id, "c2", LEASE_MS) == granted


def test_of_fifty_messages_one_takes_it_up(store: JobStore) -> None:
    job_id = in_state(store, "resuming")

    answers = at_once(lambda n: store.claim(job_id, f"c{n}", LEASE_MS), range(50))

    assert len([answer for answer in answers if answer]) == 1


def test_asking_takes_a_slot_and_counts_as_no_attempt(
    store: JobStore, redis_client: "Redis"
) -> None:
    job_id = resumed(store)
    redis_client.hincrby(f"{PREFIX}job:{job_id}", "sent", -5_000)
    before, slot = known(store, job_id), redis_client.get(f"{PREFIX}pace:next")

    turn = store.begin_call(job_id, CLAIM, 1_000)

    assert turn.word == "go"
    assert 5_000 <= turn.ms < 10_000
    assert known(store, job_id) == before
    assert redis_client.get(f"{PREFIX}pace:next") != slot


def test_asking_waits_for_its_slot_like_any_call(store: JobStore, redis_client: "Redis") -> None:
    job_id = resumed(store)
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 20_000)

    assert store.begin_call(job_id, CLAIM, 1_000).word == "later"
    assert store.begin_call(job_id, CLAIM, 30_000).word == "wait"


def test_what_is_handed_back_is_parked_and_nothing_is_counted(
    store: JobStore, redis_client: "Redis"
) -> None:
    job_id = resumed(store)
    before = known(store, job_id)
    why = Release(7_000, counter="unknown", take_back_attempt=True, trouble="provider_error")

    assert store.release(job_id, CLAIM, why)

    assert known(store, job_id) == replace(before, claim="")
    assert places(redis_client, job_id) == ["parked"]
    assert 6_000 < due(redis_client, job_id) <= 7_000
    assert redis_client.zscore(f"{PREFIX}deadlines", job_id) is None
    assert not store.release(job_id, CLAIM, why)


def test_a_message_that_got_lost_is_sent_again(store: JobStore, redis_client: "Redis") -> None:
    lost, fresh = in_state(store, "resuming"), in_state(store, "resuming")
    redis_client.zadd(f"{PREFIX}resuming", {lost: now_ms(redis_client) - UNCLAIMED_MS})

    found = store.sweep("s", LEASE_MS)

    assert (found.put_back, found.orphans, found.overdue) == (1, [], [])
    assert places(redis_client, fresh) == ["resuming"]
    assert dispatched(store, known(store, lost)) == lost


def test_a_job_whose_asker_is_lost_is_adopted_and_parked_again(
    store: JobStore, redis_client: "Redis"
) -> None:
    job_id = resumed(store)
    redis_client.zadd(f"{PREFIX}running", {job_id: 1})

    assert store.sweep("s", LEASE_MS).orphans == [job_id]
    assert store.release(job_id, "s", Release(10_000))

    assert places(redis_client, job_id) == ["parked"]
    assert store.begin_call(job_id, CLAIM, 1_000) == Turn("stale", 0)


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
    assert store.accept(a_job(), 1) is not None


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
