"""What is lost is found, by any worker, and costs nothing twice."""

from dataclasses import replace

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Pace, Sweep
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import (
    accepted,
    at_once,
    in_state,
    known,
    orphan,
    parked,
    places,
    running,
)
from tests.worker.bench import PICTURE
from worker.sweep import sweep


def overdue(services: Services, redis: "Redis", state: str = "queued", **changes: object) -> str:
    """Return the id of a job whose deadline has passed."""
    job_id = accepted(services.store, **changes).id if changes else in_state(services.store, state)
    redis.hset(f"{PREFIX}job:{job_id}", "deadline", 1)
    redis.zadd(f"{PREFIX}deadlines", {job_id: 1})
    return job_id


def test_an_orphan_whose_call_was_not_sent_is_queued_and_nothing_is_counted(
    services: Services, redis_client: "Redis"
) -> None:
    job = orphan(services.store, redis_client, sent=False)

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.attempts, after.unknown, after.claim) == ("queued", 0, 0, "")
    assert places(redis_client, job.id) == ["queued"]


def test_an_orphan_whose_call_was_sent_is_repeated_once(
    services: Services, redis_client: "Redis"
) -> None:
    job = orphan(services.store, redis_client, sent=True)

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.attempts, after.unknown) == ("queued", 1, 1)
    assert after.trouble == "outcome_unknown"
    assert places(redis_client, job.id) == ["delayed"]


@pytest.mark.parametrize("lost", [{"estimate": 40_000}, {}])
def test_an_orphan_that_may_not_be_repeated_fails_at_an_unknown_cost(
    services: Services, redis_client: "Redis", lost: dict[str, int]
) -> None:
    job = orphan(services.store, redis_client, sent=True, **lost)
    if not lost:
        redis_client.hset(f"{PREFIX}job:{job.id}", "unknown", 1)

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.error_code, after.credits) == ("failed", "outcome_unknown", None)


@pytest.mark.parametrize("sent", [True, False])
def test_an_orphan_whose_image_is_there_is_finished(
    services: Services, redis_client: "Redis", sent: bool
) -> None:
    job = orphan(services.store, redis_client, sent=sent)
    services.images.put(job.image, PICTURE)

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.credits, after.unknown) == ("succeeded", 3_000, 0)


def test_a_job_with_a_live_lease_is_let_be(services: Services) -> None:
    job = running(services.store)

    sweep(services)

    assert known(services.store, job.id) == job


def test_many_sweepers_count_an_orphan_once(services: Services, redis_client: "Redis") -> None:
    jobs = [orphan(services.store, redis_client, sent=True) for _ in range(10)]

    at_once(lambda _: sweep(services), range(10))

    found = [known(services.store, job.id) for job in jobs]
    assert [(job.status, job.unknown, job.revision) for job in found] == [("queued", 1, 3)] * 10


def test_a_slow_sweeper_leaves_a_job_that_another_worker_runs_by_now(
    services: Services, redis_client: "Redis"
) -> None:
    class Slow(JobStore):
        def sweep(self, claim: str, lease_ms: int) -> Sweep:
            found = super().sweep(claim, lease_ms)
            for job_id in found.orphans:
                job = known(services.store, job_id)
                redis_client.hset(f"{PREFIX}job:{job.id}", "claim", "healthy")
            return found

    job = orphan(services.store, redis_client, sent=True)
    slow = Slow(redis_client, Pace(1))

    sweep(replace(services, store=slow))

    after = known(services.store, job.id)
    assert (after.status, after.claim, after.unknown) == ("running", "healthy", 0)


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched"])
def test_a_job_past_its_deadline_ends(
    services: Services, redis_client: "Redis", state: str
) -> None:
    job_id = overdue(services, redis_client, state)

    sweep(services)

    after = known(services.store, job_id)
    assert (after.status, after.error_code, after.credits) == ("failed", "deadline_passed", 0)


def test_a_job_that_waited_for_the_provider_in_vain_says_so(
    services: Services, redis_client: "Redis"
) -> None:
    job_id = overdue(services, redis_client)
    redis_client.hset(f"{PREFIX}job:{job_id}", "trouble", "provider_unavailable")

    sweep(services)

    after = known(services.store, job_id)
    assert (after.error_code, after.credits) == ("provider_unavailable", 0)


def test_a_job_past_its_deadline_whose_image_is_there_is_finished(
    services: Services, redis_client: "Redis"
) -> None:
    job_id = overdue(services, redis_client)
    services.images.put(known(services.store, job_id).image, PICTURE)

    sweep(services)

    assert known(services.store, job_id).status == "succeeded"


def test_a_job_past_its_deadline_keeps_its_input_for_a_retry(
    services: Services, redis_client: "Redis"
) -> None:
    name = "b" * 22 + ".png"
    services.images.put_input(name, PICTURE)
    overdue(services, redis_client, input=name)

    sweep(services)

    assert services.images.read_input(name) == PICTURE


def test_what_cooks_and_can_be_asked_for_by_nobody_ends_after_a_day(
    services: Services, redis_client: "Redis"
) -> None:
    job = parked(services.store, estimate=60_000)
    services.breaker.note_failure("another", "provider_auth")
    redis_client.zadd(f"{PREFIX}deadlines", {job.id: 1})

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.error_code, after.credits) == ("failed", "provider_error", 60_000)
