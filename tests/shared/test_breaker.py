"""Contract of the breaker: when jobs wait for the provider, and who finds out that it is back."""

import pytest
from redis import Redis

from shared.breaker import Breaker, BreakerState, Why
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    at_once,
    known,
    now_ms,
    parked,
    running,
)
from tests.shared.breakers import DOWN, REFUSALS, half_open, opened, pause_before_probe


@pytest.fixture
def breaker(redis_client: "Redis") -> Breaker:
    """Give the breaker of an empty store."""
    return Breaker(redis_client)


def test_the_fifth_failure_in_a_row_opens_it(breaker: Breaker, redis_client: "Redis") -> None:
    verdicts = [breaker.note_failure("a", DOWN) for _ in range(7)]

    assert verdicts == ["closed"] * 4 + ["opened", "open", "open"]
    assert breaker.state().why == DOWN
    assert abs((breaker.state().since or 0) - now_ms(redis_client)) < 5_000


def test_an_answer_in_between_begins_the_row_anew(breaker: Breaker) -> None:
    verdicts = [breaker.note_failure("a", DOWN) for _ in range(4)]
    breaker.note_answer("b")
    verdicts += [breaker.note_failure("a", DOWN) for _ in range(4)]

    assert set(verdicts) == {"closed"}
    assert breaker.state() == BreakerState()


def test_one_job_that_always_fails_does_not_open_it(breaker: Breaker) -> None:
    verdicts = [breaker.note_failure("a", DOWN, sure=False) for _ in range(20)]

    assert set(verdicts) == {"closed"}
    assert breaker.note_failure("b", DOWN, sure=False) == "opened"


@pytest.mark.parametrize("why", REFUSALS)
def test_one_refusal_of_the_service_itself_opens_it(breaker: Breaker, why: Why) -> None:
    assert breaker.note_failure("a", why) == "opened"
    assert breaker.note_failure("b", why) == "open"
    assert breaker.state().why == why


def test_a_refusal_tells_more_than_an_outage(breaker: Breaker) -> None:
    opened(breaker)

    assert breaker.note_failure("a", "provider_auth") == "opened"
    assert breaker.note_failure("b", DOWN) == "open"
    assert breaker.state().why == "provider_auth"


def test_fifty_failures_at_once_open_it_once(breaker: Breaker, redis_client: "Redis") -> None:
    verdicts = at_once(lambda number: breaker.note_failure(str(number), DOWN), range(50))

    assert verdicts.count("opened") == 1
    assert verdicts.count("closed") == 4
    assert redis_client.hget(f"{PREFIX}counts", "breaker_opened") == "1"


def test_open_no_job_is_started_or_sent(breaker: Breaker, store: JobStore) -> None:
    waiting, begun = accepted(store), running(store)
    store.heartbeat("w", 10, 60_000)
    opened(breaker)

    turn = store.begin_call(begun.id, CLAIM, 100_000)

    assert store.dispatch() == []
    assert turn.word == "later"
    assert 1_000 <= turn.ms <= 2_000
    assert known(store, waiting.id).status == "queued"
    assert known(store, begun.id).attempts == 0


def test_after_a_good_probe_one_job_goes_first_and_closes_it(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    others = {accepted(store).id for _ in range(3)}
    store.heartbeat("w", 10, 60_000)
    half_open(breaker, redis_client)

    (first,) = store.dispatch()
    second = store.dispatch()
    assert store.claim(first, CLAIM, LEASE_MS)
    third = store.dispatch()
    turn = store.begin_call(first, CLAIM, 100_000)
    breaker.note_answer(first)

    assert (second, third, turn.word) == ([], [], "go")
    assert breaker.state() == BreakerState()
    assert set(store.dispatch()) == others - {first}


def test_what_went_first_in_vain_is_tried_as_soon_as_another_went_well(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    in_vain, first = running(store), accepted(store)
    assert store.release(in_vain.id, CLAIM, Release(pause_ms=300_000))
    half_open(breaker, redis_client)
    store.heartbeat("w", 100, 60_000)
    assert store.dispatch() == [first.id]

    breaker.note_answer(first.id)

    assert store.dispatch() == [in_vain.id]


def test_what_was_claimed_before_waits_for_the_one_that_goes_first(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    begun = running(store)
    half_open(breaker, redis_client)

    assert store.begin_call(begun.id, CLAIM, 100_000).word == "later"


def test_when_the_first_fails_the_pauses_go_on_growing(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store)
    store.heartbeat("w", 10, 60_000)
    half_open(breaker, redis_client)
    (first,) = store.dispatch()

    others = breaker.note_failure("another", DOWN)
    still = breaker.state().state
    verdict = breaker.note_failure(first, DOWN)

    assert (others, still, verdict) == ("open", "half_open", "open")
    assert breaker.state().state == "open"
    assert round(pause_before_probe(redis_client) / 1000) == 4


def test_when_the_first_is_canceled_another_goes_first(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    for _ in range(2):
        accepted(store)
    store.heartbeat("w", 10, 60_000)
    half_open(breaker, redis_client)
    (first,) = store.dispatch()

    store.cancel([first])

    (second,) = store.dispatch()
    assert second != first


def test_an_answer_to_what_was_sent_before_does_not_close_it_but_has_it_probed_at_once(
    breaker: Breaker,
) -> None:
    opened(breaker)

    breaker.note_answer("sent before")

    assert breaker.state().state == "open"
    assert breaker.take_probe() is not None


@pytest.mark.parametrize("why", REFUSALS)
def test_an_answer_to_what_was_sent_before_says_nothing_of_key_and_credits(
    breaker: Breaker, redis_client: "Redis", why: Why
) -> None:
    opened(breaker, why)
    breaker.note_answer("sent before")
    early = breaker.take_probe()
    redis_client.delete(f"{PREFIX}breaker")
    half_open(breaker, redis_client, why)

    breaker.note_answer("sent before")

    assert early is None
    assert breaker.state().state == "half_open"


@pytest.mark.parametrize(
    ("why", "asks"), [(DOWN, True), ("provider_credits", True), ("provider_auth", False)]
)
def test_what_is_paid_for_is_asked_for_unless_the_key_is_refused(
    breaker: Breaker, store: JobStore, why: Why, asks: bool
) -> None:
    job = parked(store, 0)
    store.heartbeat("w", 10, 60_000)
    opened(breaker, why)

    assert store.dispatch() == ([job.id] if asks else [])


@pytest.mark.parametrize("why", [DOWN, *REFUSALS])
def test_a_waiting_job_can_tell_why_and_names_no_time(
    breaker: Breaker, store: JobStore, index: JobIndex, why: Why
) -> None:
    job = accepted(store)
    opened(breaker, why)

    outlook = index.outlook(known(store, job.id))

    assert (outlook.position, outlook.eta_ms, outlook.holdup) == (1, None, why)
