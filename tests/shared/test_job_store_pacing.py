"""Contract of the job store: when a worker may send its call, and when nobody may."""

from itertools import pairwise

import pytest
from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import SLOT_LATE_MS, JobStore
from shared.moves import Pace, Turn
from shared.scripts import PREFIX
from shared.setting_types import Rate
from tests.builders import CLAIM, at_once, dump, known, now_ms, orphan, running

PACE = Pace(20)
LONG = 100_000


@pytest.fixture
def paced(redis_client: "Redis") -> JobStore:
    """Give a store whose calls are 20 ms apart."""
    return JobStore(redis_client, PACE)


def slot_of(store: JobStore, job_id: str) -> int:
    """Return when a job's call goes, or went, out."""
    job = known(store, job_id)
    slot = job.slot or job.sent
    assert slot is not None
    return slot


@pytest.mark.parametrize(
    ("rate", "guard", "interval"),
    [(Rate(150, 10), 300, 10_300 / 150), (Rate(150, 10), 0, 10_000 / 150), (Rate(1, 1), 0, 1_000)],
)
def test_the_interval_keeps_any_window_within_the_rate(
    rate: Rate, guard: int, interval: float
) -> None:
    assert Pace.of(rate, guard).interval_ms == pytest.approx(interval)


def test_the_first_call_goes_at_once_and_is_noted_as_sent(
    paced: JobStore, redis_client: "Redis"
) -> None:
    job, before = running(paced), now_ms(redis_client)

    turn = paced.begin_call(job.id, CLAIM, LONG)

    after = known(paced, job.id)
    assert turn == Turn("go", 0)
    assert (after.attempts, after.slot) == (1, None)
    assert after.sent is not None
    assert before <= after.sent <= now_ms(redis_client)


def test_slots_are_exactly_an_interval_apart(redis_client: "Redis") -> None:
    paced = JobStore(redis_client, Pace(1_000))  # so long that no slot passes meanwhile
    jobs = [running(paced).id for _ in range(50)]

    for job_id in jobs:
        paced.begin_call(job_id, CLAIM, LONG)

    slots = [slot_of(paced, job_id) for job_id in jobs]
    waits = [later - earlier for earlier, later in pairwise(slots[1:])]
    assert set(waits) == {1_000}


def test_an_interval_of_a_fraction_is_not_rounded_away(redis_client: "Redis") -> None:
    store = JobStore(redis_client, Pace(10_300 / 150))
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 10_000)
    start = float(redis_client.get(f"{PREFIX}pace:next") or 0)

    for _ in range(150):
        store.begin_call(running(store).id, CLAIM, LONG)

    end = float(redis_client.get(f"{PREFIX}pace:next") or 0)
    assert end - start == pytest.approx(10_300, abs=0.1)


def test_slots_given_at_once_are_never_closer_than_the_interval(paced: JobStore) -> None:
    jobs = [running(paced).id for _ in range(100)]

    at_once(lambda job_id: paced.begin_call(job_id, CLAIM, LONG), jobs, threads=20)

    slots = sorted(slot_of(paced, job_id) for job_id in jobs)
    waits = [later - earlier for earlier, later in pairwise(slots)]
    assert min(waits) >= 20


def test_a_kept_slot_is_kept_when_asked_again(paced: JobStore, redis_client: "Redis") -> None:
    job = running(paced)
    slot = now_ms(redis_client) + 60_000
    redis_client.hset(f"{PREFIX}job:{job.id}", "slot", slot)

    turn = paced.begin_call(job.id, CLAIM, LONG)

    assert turn.word == "wait"
    assert 0 < turn.ms <= 60_000
    assert slot_of(paced, job.id) == slot
    assert redis_client.get(f"{PREFIX}pace:next") is None


def test_a_slot_whose_time_has_come_is_used(
    paced: JobStore, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.job_store.SLOT_LATE_MS", 60_000)
    job = running(paced)
    redis_client.hset(f"{PREFIX}job:{job.id}", "slot", now_ms(redis_client))

    assert paced.begin_call(job.id, CLAIM, LONG).word == "go"
    assert redis_client.get(f"{PREFIX}pace:next") is None


def test_a_slot_that_is_used_too_late_is_dropped_for_a_new_one(
    paced: JobStore, redis_client: "Redis"
) -> None:
    job, now = running(paced), now_ms(redis_client)
    redis_client.hset(f"{PREFIX}job:{job.id}", "slot", now - SLOT_LATE_MS - 1)
    redis_client.set(f"{PREFIX}pace:next", now + 60_000)

    turn = paced.begin_call(job.id, CLAIM, LONG)

    assert turn.word == "wait"
    assert slot_of(paced, job.id) == now + 60_000


def test_a_slot_too_far_away_is_not_taken(paced: JobStore, redis_client: "Redis") -> None:
    job = running(paced)
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 5_000)
    before = dump(redis_client)

    turn = paced.begin_call(job.id, CLAIM, 1_000)

    assert turn.word == "later"
    assert 1_000 < turn.ms <= 5_000
    assert dump(redis_client) == before


def test_in_a_pause_nobody_calls_and_kept_slots_are_lost(
    paced: JobStore, redis_client: "Redis"
) -> None:
    job = running(paced)
    redis_client.hset(f"{PREFIX}job:{job.id}", "slot", now_ms(redis_client) + 10)
    paced.pause(60_000)

    turn = paced.begin_call(job.id, CLAIM, LONG)

    after = known(paced, job.id)
    assert turn.word == "later"
    assert 50_000 < turn.ms <= 60_000
    assert (after.slot, after.sent, after.attempts) == (None, None, 0)


def test_a_stale_claim_may_not_call(paced: JobStore, redis_client: "Redis") -> None:
    job = running(paced)
    before = dump(redis_client)

    assert paced.begin_call(job.id, "c2", LONG) == Turn("stale", 0)
    assert dump(redis_client) == before


def test_a_lease_that_ran_out_may_not_call(paced: JobStore, redis_client: "Redis") -> None:
    job = orphan(paced, redis_client, sent=False)
    before = dump(redis_client)

    assert paced.begin_call(job.id, CLAIM, LONG) == Turn("stale", 0)
    assert dump(redis_client) == before


def test_an_answer_that_got_lost_is_given_again_and_counted_once(
    paced: JobStore, redis_client: "Redis"
) -> None:
    job = running(paced)
    first = paced.begin_call(job.id, CLAIM, LONG)

    again = paced.begin_call(job.id, CLAIM, LONG)

    assert first == again == Turn("go", 0)
    assert known(paced, job.id).attempts == 1


def test_a_pause_is_never_shortened(store: JobStore, index: JobIndex) -> None:
    store.pause(60_000)

    store.pause(1_000)

    assert 50_000 < index.paused_ms() <= 60_000


def test_a_pause_may_be_prolonged(store: JobStore, index: JobIndex) -> None:
    store.pause(1_000)

    store.pause(60_000)

    assert 50_000 < index.paused_ms() <= 60_000


def test_without_a_pause_calls_go_out(index: JobIndex, redis_client: "Redis") -> None:
    assert index.paused_ms() == 0

    redis_client.set(f"{PREFIX}pace:paused_until", now_ms(redis_client) - 1)

    assert index.paused_ms() == 0


def test_a_lock_out_widens_the_distance_between_calls_once_and_each_further_one_twice_as_much(
    redis_client: "Redis",
) -> None:
    store = JobStore(redis_client, Pace(20, 2))
    widened = []
    for _ in range(3):
        at_once(lambda _: store.pause(60_000, widen=True), range(10))
        widened.append(float(redis_client.get(f"{PREFIX}pace:widened") or 0))
        redis_client.delete(f"{PREFIX}pace:paused_until")
    jobs = [running(store).id for _ in range(10)]

    for job_id in jobs:
        store.begin_call(job_id, CLAIM, LONG)

    slots = [slot_of(store, job_id) for job_id in jobs]
    assert widened == [2, 6, 14]
    assert {later - earlier for earlier, later in pairwise(slots[1:])} == {34}
    assert 590_000 < redis_client.pttl(f"{PREFIX}pace:widened") <= 600_000
