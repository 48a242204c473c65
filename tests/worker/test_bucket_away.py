"""While its bucket is away, a worker pays for nothing that could not be kept, or is there already."""

from dataclasses import replace
from datetime import timedelta

import pytest
from redis import Redis

from shared import bucket_client
from shared.folder_store import FolderStore
from shared.image_store import StorageAway
from shared.scripts import PREFIX
from shared.services import Services
from shared.settings import load_settings
from shared.storage import open_images
from tests.bucket import Bucket
from tests.builders import accepted, known, orphan
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.worker.bench import IMAGE, PICTURE, after_a_run, upscale
from worker.sweep import sweep


@pytest.fixture
def kept(services: Services, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Give services with a bucket of which nothing is asked twice."""
    for name in ("_QUICK", "_WHOLE"):
        monkeypatch.setattr(bucket_client, name, (0, timedelta(0), "5s"))
    return replace(services, images=open_images(load_settings(None, storage_url=bucket.place)))


@pytest.mark.parametrize("status", [500, 403])
def test_no_call_is_started_while_nobody_knows_whether_the_image_is_there(
    kept: Services, bucket: Bucket, status: int
) -> None:
    job, provider = accepted(kept.store), ScriptedProvider(IMAGE)
    bucket.status = status

    after = after_a_run(kept, job, provider)

    assert (after.status, after.attempts, provider.calls) == ("queued", 0, [])


def test_a_folder_that_can_not_be_asked_is_waited_for_too(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider(IMAGE)
    folder = folder_of(services.images)
    folder.symlink_to(folder)

    after = after_a_run(services, job, provider)

    assert (after.status, after.attempts, provider.calls) == ("queued", 0, [])


def test_an_upload_that_can_not_be_read_now_is_waited_for(
    kept: Services, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, provider = upscale(kept), ScriptedProvider(IMAGE)
    assert kept.images.trouble() == ""
    monkeypatch.setattr(kept.images, "find", lambda _: None)
    bucket.status = 500

    after = after_a_run(kept, job, provider)

    assert (after.status, provider.calls) == ("queued", [])


def test_a_lost_worker_s_image_is_found_when_the_bucket_is_back(
    kept: Services, bucket: Bucket, redis_client: "Redis"
) -> None:
    job = orphan(kept.store, redis_client, sent=True)
    kept.images.put(job.image, PICTURE)
    bucket.status = 500

    sweep(kept)

    assert known(kept.store, job.id).status == "running"
    bucket.status = 0
    redis_client.zadd(f"{PREFIX}running", {job.id: 1})
    sweep(kept)
    assert known(kept.store, job.id).status == "succeeded"


def test_an_image_that_is_made_while_the_bucket_is_away_is_kept_when_it_is_back(
    kept: Services, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = accepted(kept.store)

    def made() -> object:
        bucket.status = 500
        return IMAGE

    def back(_: float) -> None:
        bucket.status = 0

    monkeypatch.setattr("worker.workshop.time.sleep", back)
    provider = ScriptedProvider(made)

    after = after_a_run(kept, job, provider)

    assert (after.status, len(provider.calls)) == ("succeeded", 1)
    picture = kept.images.find(job.image)
    assert picture
    assert picture.read_bytes() == PICTURE


class Forgetful(FolderStore):
    """A store that can't remove anything."""

    def delete_input(self, name: str) -> None:
        """Fail."""
        raise StorageAway(5, "does not answer")


def test_that_an_upload_can_not_be_removed_is_no_failure_of_its_job(services: Services) -> None:
    job = upscale(services)
    images = Forgetful(folder_of(services.images))

    after = after_a_run(services, job, ScriptedProvider(IMAGE), images=images)

    assert (after.status, after.error_code) == ("succeeded", None)
