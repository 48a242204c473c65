"""Pictures in a bucket are answered as those in a folder are, or by a redirect to the bucket."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import BinaryIO

import pytest
import requests

from shared import bucket_client
from shared.storage import open_images
from tests.api.callers import Api, assert_fault, json_of
from tests.api.named import PICTURE
from tests.bucket import Bucket
from tests.builders import accepted, accepted_batch, known, running
from tests.pictures import picture

Open = Callable[..., Api]
IMAGE = bytes(range(256)) * 8_192  # 2 MiB: four pieces


@pytest.fixture
def opened(start: Open, bucket: Bucket) -> Open:
    """Give what builds the API over a bucket."""

    def opened(**changes: str) -> Api:
        api = start(storage_url=bucket.place, **changes)
        return Api(replace(api.services, images=open_images(api.services.settings)), api.redis)

    return opened


def finished(api: Api, data: bytes = IMAGE) -> str:
    """Return the path of a job's image."""
    job = running(api.store)
    api.services.images.put(job.image, data)
    assert api.store.succeed(job.id, credits=3_000)
    return f"/saved_images/{job.image}"


def test_an_image_is_answered_whole(opened: Open) -> None:
    api = opened()
    path = finished(api)

    answer = api.get(path)

    assert answer.status_code == 200
    assert answer.get_data() == IMAGE
    assert answer.headers["Content-Length"] == str(len(IMAGE))
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.headers["Cache-Control"] == "public, max-age=86400, immutable"
    assert answer.headers["Last-Modified"].endswith("GMT")
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=0-9", IMAGE[:10]),
        ("bytes=1000000-1600000", IMAGE[1_000_000:1_600_001]),
        ("bytes=2097000-", IMAGE[2_097_000:]),
        ("bytes=-7", IMAGE[-7:]),
    ],
)
def test_a_range_of_it_is_answered(opened: Open, asked: str, part: bytes) -> None:
    api = opened()

    answer = api.get(finished(api), Range=asked)

    assert answer.status_code == 206
    assert answer.get_data() == part
    assert answer.headers["Content-Range"].endswith(f"/{len(IMAGE)}")


def test_a_range_is_sent_without_what_comes_before_it_whatever_the_server_offers(
    opened: Open, bucket: Bucket
) -> None:
    api = opened()
    path = finished(api)
    bucket.calls.clear()

    class Forward:  # as gunicorn's: no seek
        def __init__(self, file: BinaryIO, size: int = 8_192) -> None:
            self.file, self.size = file, size

        def __getitem__(self, _: int) -> bytes:
            if data := self.file.read(self.size):
                return data
            raise IndexError

    offered = {"wsgi.file_wrapper": Forward}
    answer = api.call("GET", path, headers={"Range": "bytes=-7"}, environ_overrides=offered)

    assert (answer.status_code, answer.get_data()) == (206, IMAGE[-7:])
    assert [span for _, _, span in bucket.calls] == ["", "bytes=2097145-2097151"]


def test_a_range_that_it_does_not_have_is_refused(opened: Open) -> None:
    api = opened()

    answer = api.get(finished(api), Range="bytes=9999999-")

    assert_fault(answer, 416, "range_not_satisfiable")


def test_who_has_it_already_is_told_so_without_a_byte_of_it(opened: Open, bucket: Bucket) -> None:
    api = opened()
    path = finished(api)
    tag = api.get(path).headers["ETag"]
    bucket.calls.clear()

    answer = api.get(path, **{"If-None-Match": tag})

    assert answer.status_code == 304
    assert [method for method, _, _ in bucket.calls] == ["HEAD"]


def test_its_head_is_answered_without_its_body(opened: Open, bucket: Bucket) -> None:
    api = opened()
    path = finished(api)
    bucket.calls.clear()

    answer = api.call("HEAD", path)

    assert answer.headers["Content-Length"] == str(len(IMAGE))
    assert [method for method, _, _ in bucket.calls] == ["HEAD"]


def test_a_download_has_its_name(opened: Open) -> None:
    api = opened()

    answer = api.get(finished(api) + "?download=1")

    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")


def test_an_archive_has_the_images_that_are_there(opened: Open) -> None:
    api = opened()
    batch = accepted_batch(api.store, 3)
    images = [picture(), IMAGE]
    for job_id, image in zip(batch.jobs, images, strict=False):
        assert api.services.images.put(known(api.store, job_id).image, image)
        assert api.store.succeed(job_id, credits=3_000)

    zipped = zipfile.ZipFile(io.BytesIO(api.get(f"/batches/{batch.id}/archive").get_data()))

    assert [zipped.read(name) for name in zipped.namelist()[:2]] == images
    assert [job["file"] for job in json.loads(zipped.read("manifest.json"))["jobs"]][2] is None


def test_an_image_of_this_service_can_be_enlarged(opened: Open) -> None:
    api = opened(upscale_max_side="1536")
    path = finished(api, PICTURE)

    answer = api.call("POST", "/upscale_image", json={"image_url": path})

    assert answer.status_code == 202, answer.get_data()
    assert api.services.images.read_input(api.job(answer).input) == PICTURE


def test_an_image_that_was_deleted_is_gone(opened: Open, bucket: Bucket) -> None:
    api = opened()
    job = running(api.store)
    api.services.images.put(job.image, IMAGE)
    api.store.succeed(job.id, credits=3_000)

    assert api.call("DELETE", f"/jobs/{job.id}/image").status_code == 200

    assert_fault(api.get(f"/saved_images/{job.image}"), 410, "gone")
    assert bucket.names() == []


@pytest.mark.parametrize("fault", [{"status": 500}, {"status": 403}])
def test_a_bucket_that_is_away_is_no_missing_image(
    opened: Open, bucket: Bucket, fault: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket_client, "_QUICK", (0, timedelta(0), "2s"))
    monkeypatch.setattr(bucket_client, "_WHOLE", (0, timedelta(0), "2s"))
    api = opened()
    path = finished(api)
    batch = accepted_batch(api.store, 1)
    api.services.images.put(known(api.store, batch.jobs[0]).image, IMAGE)
    api.store.succeed(batch.jobs[0], credits=3_000)
    vars(bucket).update(fault)

    answers = [
        api.get(path),
        api.get(f"/batches/{batch.id}/archive"),
        api.call("DELETE", f"/jobs/{batch.jobs[0]}/image"),
        api.upscale(PICTURE),
    ]

    for answer in answers:
        assert_fault(answer, 503, "unavailable")
        assert answer.headers["Retry-After"] == "2"


def test_a_signed_redirect_leads_to_the_image_in_the_bucket(opened: Open) -> None:
    api = opened(signed_redirect="true")

    answer = api.get(finished(api))

    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Amz-Expires=300" in answer.headers["Location"]
    there = requests.get(answer.headers["Location"], timeout=10)
    assert (there.content, there.headers["Content-Type"]) == (IMAGE, "image/png")


def test_what_a_signed_address_can_not_give_is_answered_here(opened: Open) -> None:
    api = opened(signed_redirect="true")
    path = finished(api)

    assert api.get(path + "?download=1").status_code == 200
    assert api.call("HEAD", path).status_code == 200


def test_an_image_that_is_not_made_yet_leads_nowhere(opened: Open) -> None:
    api = opened(signed_redirect="true", image_wait_seconds="0")
    job = accepted(api.store)

    assert_fault(api.get(f"/saved_images/{job.image}"), 503, "not_ready")


def test_storage_in_trouble_makes_it_unready(opened: Open, bucket: Bucket) -> None:
    api = opened()
    bucket.status = 403

    assert json_of(api.get("/readyz"))["checks"]["storage"] == "access denied"
