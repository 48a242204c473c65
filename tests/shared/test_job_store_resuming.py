"""Contract of the job store: when what cooks is asked for, and by whom."""

from dataclasses import replace

from redis import Redis

from shared.acceptance import LOOK_AHEAD_MS
from shared.job_store import UNCLAIMED_MS, JobStore
from shared.moves import Pace, Release, Turn
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    HOUR_MS,
    LEASE_MS,
    PROVIDER_ID,
    accepted,
    at_once,
    dispatched,
    due,
    given_up_in,
    in_state,
    known,
    now_ms,
    parked,
    places,
    resumed,
)


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
    store = JobStore(redis_client, Pace(LOOK_AHEAD_MS / 2))
    for _ in range(9):
        job = accepted(store)
        store.park(job.id, PROVIDER_ID, 0)
    store.heartbeat("w", 100, 60_000)
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + LOOK_AHEAD_MS / 2)

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
    assert given_up_in(redis_client, job_id) > 24.9 * HOUR_MS
    assert not store.release(job_id, CLAIM, why)


def test_a_message_that_got_lost_is_sent_again(store: JobStore, redis_client: "Redis") -> None:
    lost, fresh = in_state(store, "resuming"), in_state(store, "resuming")
    redis_client.zadd(f"{PREFIX}resuming", {lost: now_ms(redis_client) - UNCLAIMED_MS})

    found = store.sweep("s", LEASE_MS)

    assert (found.put_back, found.orphans, found.overdue) == (1, [], [])
    assert places(redis_client, lost) == ["parked"]
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


def test_what_is_asked_for_again_and_again_leaves_every_other_slot_to_others(
    store: JobStore,
) -> None:
    cooking = {parked(store, 0, owner="alice").id for _ in range(6)}
    waiting = {accepted(store, owner="bob").id for _ in range(2)}
    sent: list[str] = []
    for worker in "abcd":  # one slot at a time
        store.heartbeat(worker, 1, 60_000)
        sent += store.dispatch()

    assert [job_id in cooking for job_id in sent] == [True, False, True, False]
    assert {sent[1], sent[3]} == waiting


def test_what_nobody_can_begin_with_is_left_to_what_is_asked_for(store: JobStore) -> None:
    cooking = {parked(store, 0).id for _ in range(4)}
    waiting = accepted(store, owner="bob").id
    store.heartbeat("w", 4, 60_000)

    sent = set(store.dispatch())

    assert waiting in sent
    assert len(cooking & sent) == 3
