"""Contract of the operator's pause: no paid call begins, over all workers, until it ends."""

import pytest
from redis import Redis

from shared.breaker import Breaker
from shared.halt import Halt, Halted
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.scripts import PREFIX
from tests.builders import CLAIM, accepted, accepted_batch, dump, known, now_ms, parked, running


@pytest.fixture
def halt(redis_client: "Redis") -> Halt:
    """Give the pause of an empty store."""
    return Halt(redis_client)


def test_it_stands_until_it_ends(halt: Halt, redis_client: "Redis") -> None:
    assert halt.state() is None

    first = halt.begin("we move")
    assert abs(first.since - now_ms(redis_client)) < 5_000
    assert halt.begin("we still move") == Halted(first.since, "we still move") == halt.state()
    assert redis_client.ttl(f"{PREFIX}halt") == -1

    halt.end()
    halt.end()
    assert halt.state() is None
    assert dump(redis_client) == {}


def test_no_job_is_picked_meanwhile(store: JobStore, halt: Halt) -> None:
    store.heartbeat("w", 10, 60_000)
    single, batch = accepted(store), accepted_batch(store, 2)
    halt.begin()

    assert store.dispatch() == []

    halt.end()
    assert set(store.dispatch()) == {single.id, *batch.jobs}


def test_a_job_that_was_picked_before_is_not_called(store: JobStore, halt: Halt) -> None:
    job = running(store)
    halt.begin()

    turn = store.begin_call(job.id, CLAIM, 10_000)

    assert turn.word == "later"
    assert 0 < turn.ms <= 1_000
    assert known(store, job.id).sent is None


def test_a_call_that_was_sent_counts_as_sent(store: JobStore, halt: Halt) -> None:
    job = running(store)
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"
    halt.begin()

    # asked again because the answer was lost
    assert store.begin_call(job.id, CLAIM, 10_000).word == "go"


def test_what_is_bought_is_still_asked_for(store: JobStore, halt: Halt) -> None:
    store.heartbeat("w", 10, 60_000)
    cooking = parked(store, 0)
    halt.begin()

    assert store.dispatch() == [cooking.id]
    assert store.begin_call(resumed_under(store, cooking.id), CLAIM, 10_000).word == "go"


def resumed_under(store: JobStore, job_id: str) -> str:
    """Return the id of a job once a worker has taken it up."""
    assert store.claim(job_id, CLAIM, 30_000)
    return job_id


def test_nothing_is_probed_and_no_job_goes_first(
    store: JobStore, halt: Halt, redis_client: "Redis"
) -> None:
    store.heartbeat("w", 10, 60_000)
    breaker = Breaker(redis_client)
    breaker.note_failure("x", "provider_credits")
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)
    halt.begin()
    accepted(store)

    assert breaker.take_probe() is None
    halt.end()
    assert breaker.take_probe()
    breaker.tell_probe("ok")
    halt.begin()
    assert store.dispatch() == []


def test_a_waiting_job_knows_why(store: JobStore, index: JobIndex, halt: Halt) -> None:
    job = accepted(store)
    halt.begin("we move")

    told = index.outlook(job)

    assert (told.position, told.eta_ms, told.holdup, told.reason) == (1, None, "paused", "we move")
    halt.end()
    assert (index.outlook(job).holdup, index.outlook(job).reason) == ("", "")


def test_it_is_told_before_what_else_holds_jobs_up(
    store: JobStore, index: JobIndex, halt: Halt, redis_client: "Redis"
) -> None:
    job = accepted(store)
    Breaker(redis_client).note_failure("x", "provider_auth")
    halt.begin()

    assert index.outlook(job).holdup == "paused"
