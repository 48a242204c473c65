"""A Redis without room: nothing is accepted, and what is paid for still ends."""

from functools import partial

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.services import Services
from shared.tally import Tally
from tests.builders import CLAIM, a_job, in_state, known, running
from tests.redis_server import full


def test_nothing_is_accepted_and_the_refusal_is_true(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = a_job()

    with full(redis_client):
        assert not store.takes_writes()
        with pytest.raises(StoreUnavailable):
            store.accept(job, 10)

    assert store.get(job.id) is None
    assert store.takes_writes()


def test_a_picture_that_is_paid_for_ends_its_job(store: JobStore, redis_client: "Redis") -> None:
    job = running(store)

    with full(redis_client):
        assert store.succeed(job.id, credits=job.estimate)
        assert known(store, job.id).status == "succeeded"


def test_a_fault_ends_its_job(store: JobStore, redis_client: "Redis") -> None:
    job = running(store)

    with full(redis_client):
        assert store.fail(job.id, CLAIM, error_code="provider_rejected", error="No")


def test_a_worker_goes_on_counting_as_alive(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    with full(redis_client):
        for slots in (5, 7):  # the first beat, and one that has nobody's place to take
            store.heartbeat("w", slots, 10_000)
            assert index.workers() == {"w": slots}


def test_a_call_under_way_keeps_its_lease(store: JobStore, redis_client: "Redis") -> None:
    job = running(store)
    lease = partial(redis_client.zscore, "images:running", job.id)
    before = lease() or 0

    with full(redis_client):
        assert store.renew({job.id: CLAIM}, 90_000) == []

    assert (lease() or 0) > before + 30_000


def test_records_that_are_over_can_go(services: Services, redis_client: "Redis") -> None:
    ended = known(services.store, in_state(services.store, "succeeded"))

    with full(redis_client):
        assert services.retirement.retire(ended)

    assert services.store.get(ended.id) is None


def test_what_was_counted_is_told(redis_client: "Redis") -> None:
    tally = Tally(redis_client)
    tally.add("http_requests", "GET", "/jobs", "200")

    with full(redis_client):
        tally.hand_in()

    assert redis_client.hget("images:tallies", "http_requests|GET|/jobs|200") == "1"
