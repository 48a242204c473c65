"""Contract of the breaker: who probes whether the provider is back, and when."""

import pytest
from redis import Redis

from shared.breaker import Breaker, Probe
from shared.job_store import JobStore
from shared.scripts import PREFIX
from tests.builders import (
    accepted,
    accepted_batch,
    at_once,
)
from tests.shared.breakers import DOWN, opened, pause_before_probe


@pytest.fixture
def breaker(redis_client: "Redis") -> Breaker:
    """Give the breaker of an empty store."""
    return Breaker(redis_client)


def test_probes_come_after_2_4_8_and_then_every_15_seconds(
    breaker: Breaker, redis_client: "Redis"
) -> None:
    opened(breaker)
    pauses = [pause_before_probe(redis_client)]
    for _ in range(5):
        redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)
        assert breaker.take_probe()
        breaker.tell_probe(DOWN)
        pauses.append(pause_before_probe(redis_client))

    assert [pause / 1000 for pause in pauses] == pytest.approx([2, 4, 8, 15, 15, 15], abs=1.5)


def test_a_probe_is_one_workers_alone_and_not_before_its_time(
    breaker: Breaker, redis_client: "Redis"
) -> None:
    opened(breaker)
    early = breaker.take_probe()
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)

    taken = at_once(lambda _: Breaker(redis_client).take_probe(), range(20))

    assert early is None
    assert sorted(map(str, taken)) == sorted([*["None"] * 19, str(Probe(DOWN, 0))])


def test_a_probe_whose_worker_dies_is_made_by_another(
    breaker: Breaker, redis_client: "Redis"
) -> None:
    opened(breaker)
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)
    assert breaker.take_probe()

    assert 25_000 < pause_before_probe(redis_client) <= 30_000


def test_who_lost_the_answer_to_a_probe_is_given_it_again_and_no_other_is(
    breaker: Breaker, redis_client: "Redis"
) -> None:
    opened(breaker)
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)

    told = [breaker.take_probe(), Breaker(redis_client).take_probe(), breaker.take_probe()]
    breaker.tell_probe(DOWN)

    assert told == [Probe(DOWN, 0), None, Probe(DOWN, 0)]
    assert breaker.take_probe() is None  # it is told, and the next one is not due


def test_a_probe_knows_what_the_next_jobs_cost(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store, estimate=3_000)
    accepted_batch(store, 2, estimate=40_000)
    opened(breaker, "provider_credits")
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)

    assert breaker.take_probe() == Probe("provider_credits", 40_000)


def test_one_owners_dear_job_keeps_nobody_elses_cheap_ones_waiting(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    accepted(store, owner="alice", estimate=60_000)
    accepted(store, owner="bob", estimate=3_000)
    accepted_batch(store, 2, owner="bob", estimate=8_000)
    opened(breaker, "provider_credits")
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)

    assert breaker.take_probe() == Probe("provider_credits", 8_000)


def test_when_nobody_waited_for_the_probe_the_job_that_goes_first_waits_for_the_next(
    breaker: Breaker, store: JobStore, redis_client: "Redis"
) -> None:
    opened(breaker, "provider_credits")
    redis_client.hset(f"{PREFIX}breaker", "probe_at", 1)
    assert breaker.take_probe() == Probe("provider_credits", 0)
    breaker.tell_probe("ok")
    store.heartbeat("w", 1, 60_000)
    job = accepted(store, estimate=3_000)
    assert store.dispatch() == [job.id]

    assert breaker.note_failure(job.id, "provider_credits") == "open"
