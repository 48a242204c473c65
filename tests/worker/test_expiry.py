"""Pictures whose time is over: removed, and told apart from those that never were."""

from dataclasses import replace

import pytest
from redis import Redis

from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, known, until
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, after_a_run
from worker.leases import Leases
from worker.upkeep import Upkeep, expire

DAY_MS = 86_400_000


@pytest.fixture
def one_day(services: Services) -> Services:
    """Give services that keep pictures for a day."""
    return replace(services, settings=services.settings.model_copy(update={"image_ttl_days": 1}))


def made(services: Services) -> Job:
    """Return a job whose picture was just made."""
    return after_a_run(services, accepted(services.store), ScriptedProvider(IMAGE))


def test_a_picture_is_kept_until_it_is_deleted_unless_the_operator_says_otherwise(
    services: Services,
) -> None:
    job = made(services)

    expire(services)

    assert job.expires is None
    assert services.images.find(job.image)


def test_a_picture_tells_when_its_time_is_over(one_day: Services) -> None:
    job = made(one_day)

    assert job.expires == (job.finished or 0) + DAY_MS


def test_a_picture_stays_until_its_time_is_over(one_day: Services) -> None:
    job = made(one_day)

    expire(one_day)

    assert one_day.images.find(job.image)


def test_a_picture_past_its_time_is_removed_and_its_job_says_so(
    one_day: Services, redis_client: "Redis"
) -> None:
    job = made(one_day)
    redis_client.zadd(f"{PREFIX}expiring", {job.id: 1})

    expire(one_day)

    after = known(one_day.store, job.id)
    assert one_day.images.find(job.image) is None
    assert (after.status, after.image_gone, after.revision) == (
        "succeeded",
        "expired",
        job.revision + 1,
    )
    assert one_day.store.expired() == []


def test_a_picture_that_was_deleted_before_does_not_expire_again(
    one_day: Services, redis_client: "Redis"
) -> None:
    job = made(one_day)
    one_day.store.forget_image(job.id, "deleted")

    assert redis_client.zcard(f"{PREFIX}expiring") == 0
    assert known(one_day.store, job.id).image_gone == "deleted"


def test_a_worker_removes_a_picture_as_soon_as_its_time_is_over(services: Services) -> None:
    second = services.settings.model_copy(update={"image_ttl_days": 1 / 86_400})
    short = replace(services, settings=second)
    upkeep = Upkeep("w", short, Leases(short.store))
    upkeep.start()
    try:
        job = made(short)

        until(lambda: known(short.store, job.id).image_gone == "expired")
    finally:
        upkeep.stop()
