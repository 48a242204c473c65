"""Pictures whose time is over: removed, and told apart from those that never were."""

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, known, until
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.worker.bench import IMAGE, after_a_run, an_upkeep, started
from worker.retention import expire

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

    with started(an_upkeep(short)):
        job = made(short)

        until(lambda: known(short.store, job.id).image_gone == "expired")


def test_more_pictures_expire_at_once_than_the_store_names_in_one_answer(
    one_day: Services, redis_client: "Redis"
) -> None:
    redis_client.zadd(f"{PREFIX}expiring", {f"job-{number}": 1 for number in range(250)})

    expire(one_day)

    assert redis_client.zcard(f"{PREFIX}expiring") == 0


def test_a_picture_that_can_not_be_removed_is_tried_again_and_its_name_kept_out_of_the_log(
    one_day: Services, redis_client: "Redis", caplog: pytest.LogCaptureFixture
) -> None:
    job = made(one_day)
    redis_client.zadd(f"{PREFIX}expiring", {job.id: 1})
    path = folder_of(one_day.images) / job.image
    path.unlink()
    path.mkdir()  # no file, so that nobody may unlink it, not even root

    expire(one_day)

    assert one_day.store.expired() == [job.id]
    assert "could not remove an image" in caplog.text
    assert job.image not in caplog.text


class PutInBetween:
    """A store that is told of an image's end while a second attempt puts its own there."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def forget_image(self, job_id: str, why: str) -> bool:
        """Put an image there, then do as the store does."""
        job = known(self._services.store, job_id)
        self._services.images.put(job.image, IMAGE.data)
        return self._services.store.forget_image(job_id, why)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._services.store, name)


def test_an_image_of_a_second_attempt_does_not_outlive_the_first(
    one_day: Services, redis_client: "Redis"
) -> None:
    job = made(one_day)
    redis_client.zadd(f"{PREFIX}expiring", {job.id: 1})

    expire(replace(one_day, store=PutInBetween(one_day)))  # type: ignore[arg-type]

    assert one_day.images.find(job.image) is None
