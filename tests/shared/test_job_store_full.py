"""A Redis without room: nothing is accepted, and what is paid for still ends."""

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from tests.builders import CLAIM, a_job, known, running
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
