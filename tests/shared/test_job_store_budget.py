"""Contract of the job store: what the jobs of a day may cost, and what is given back."""

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Release, Replay
from shared.over_limit import BudgetExceeded
from shared.scripts import PREFIX
from tests.builders import CLAIM, LEASE_MS, a_batch, a_job, at_once, dump, fits, now_ms, running

LONG = 10_000
BUDGET = 10_000
DAY_MS = 86_400_000


def taken(store: JobStore, **changes: object) -> str:
    """Return the id of a job that the budget has room for."""
    return store.accept(a_job(**changes), LONG, None, BUDGET).job.id


def left(store: JobStore) -> int:
    """Return what is left of the day's budget."""
    with pytest.raises(BudgetExceeded) as raised:
        store.accept(a_job(estimate=1_000_000), LONG, None, BUDGET)
    return raised.value.left * 1000


def test_jobs_are_accepted_until_the_next_would_cost_too_much(
    store: JobStore, redis_client: "Redis"
) -> None:
    for _ in range(3):
        taken(store)
    before = dump(redis_client)

    with pytest.raises(BudgetExceeded) as raised:
        store.accept(a_job(), LONG, Replay("k", "f"), BUDGET)

    assert raised.value.message.startswith(
        "This would cost 3 credits, and 1 of the 10 that this service may spend a day are left"
    )
    rest = DAY_MS - now_ms(redis_client) % DAY_MS
    assert raised.value.seconds * 1000 == pytest.approx(rest, abs=5_000)
    assert dump(redis_client) == before


def test_what_fits_exactly_is_accepted(store: JobStore) -> None:
    taken(store, estimate=BUDGET)

    assert left(store) == 0


def test_a_batch_is_accepted_as_a_whole_or_not_at_all(store: JobStore) -> None:
    with pytest.raises(BudgetExceeded):
        store.accept_batch(*a_batch(4), LONG, None, BUDGET)
    untouched = left(store)

    store.accept_batch(*a_batch(3), LONG, None, BUDGET)
    assert (untouched, left(store)) == (BUDGET, 1_000)


def test_fifty_at_once_spend_exactly_what_is_there(store: JobStore) -> None:
    taken = at_once(lambda _: fits(lambda: store.accept(a_job(), LONG, None, 30_000)), range(50))

    assert sum(taken) == 10


def test_a_request_that_comes_again_is_answered_whatever_is_left(store: JobStore) -> None:
    replay = Replay("k", "f")
    first = store.accept(a_job(estimate=BUDGET), LONG, replay, BUDGET)
    again = store.accept(a_job(estimate=BUDGET), LONG, replay, BUDGET)

    assert (again.replayed, again.job.id) == (True, first.job.id)


def test_the_same_job_is_counted_once_when_the_answer_was_lost(store: JobStore) -> None:
    job = a_job()
    for _ in range(2):
        store.accept(job, LONG, None, BUDGET)

    assert left(store) == BUDGET - 3_000


@pytest.mark.parametrize(
    ("credits", "back"), [(0, 3_000), (3_000, 0), (2_000, 1_000), (None, 0)], ids=str
)
def test_what_a_failed_job_did_not_cost_is_given_back(
    store: JobStore, credits: int | None, back: int
) -> None:
    job_id = taken(store)
    assert store.claim(job_id, CLAIM, LEASE_MS)

    for _ in range(2):
        store.fail(job_id, CLAIM, credits=credits)

    assert left(store) == BUDGET - 3_000 + back


def test_a_success_costs_what_it_was_expected_to(store: JobStore) -> None:
    store.succeed(taken(store), credits=3_000)

    assert left(store) == BUDGET - 3_000


def test_a_canceled_job_is_given_back_at_once_or_when_its_cost_is_known(store: JobStore) -> None:
    waiting, sent = taken(store), taken(store)
    assert store.claim(sent, CLAIM, LEASE_MS)
    store.begin_call(sent, CLAIM, LONG)

    store.cancel([waiting, sent])
    canceled = left(store)
    for _ in range(2):
        store.settle(sent, CLAIM, 0)

    assert (canceled, left(store)) == (BUDGET - 3_000, BUDGET)


def test_a_call_that_is_repeated_counts_twice_as_both_may_be_charged(store: JobStore) -> None:
    job_id = taken(store)
    assert store.claim(job_id, CLAIM, LEASE_MS)

    for _ in range(2):
        store.release(job_id, CLAIM, Release(counter="unknown"))
    store.succeed(job_id, credits=3_000)

    assert left(store) == BUDGET - 6_000


def test_each_day_begins_anew_and_is_forgotten_after_some(
    store: JobStore, redis_client: "Redis"
) -> None:
    taken(store, estimate=BUDGET)
    (today,) = redis_client.keys(f"{PREFIX}spent:*")
    lives = redis_client.pttl(str(today))
    yesterday = f"{PREFIX}spent:{now_ms(redis_client) // DAY_MS - 1}"

    redis_client.rename(str(today), yesterday)

    assert left(store) == BUDGET
    assert 2 * DAY_MS < lives <= 3 * DAY_MS


def test_what_ends_long_after_its_day_leaves_nothing_behind(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = running(store)
    redis_client.delete(*redis_client.keys(f"{PREFIX}spent:*"))

    store.fail(job.id, CLAIM, credits=0)

    assert redis_client.keys(f"{PREFIX}spent:*") == []
