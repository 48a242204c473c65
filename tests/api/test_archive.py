"""GET /batches/<id>/archive: the images that are finished now, in one zip, with a manifest."""

import io
import json
import os
import random
import tracemalloc
import zipfile
from dataclasses import replace
from typing import Any

import pytest

from shared.folder_store import File, FolderStore
from tests.api.callers import Api, assert_fault, json_of
from tests.api.watching import open_stream
from tests.builders import CLAIM, accepted_batch, known
from tests.folders import folder_of
from tests.pictures import picture

MEBIBYTE = 1024 * 1024


def archive(api: Api, batch_id: str) -> tuple[zipfile.ZipFile, dict[str, Any]]:
    """Return the archive of a batch, which must be whole, and its manifest."""
    answer = api.get(f"/batches/{batch_id}/archive")
    assert answer.status_code == 200
    zipped = zipfile.ZipFile(io.BytesIO(answer.get_data()))
    assert zipped.testzip() is None
    return zipped, json.loads(zipped.read("manifest.json"))


def put(api: Api, job_id: str, data: bytes) -> None:
    """End a job well with these bytes."""
    assert api.services.images.put(known(api.store, job_id).image, data)
    assert api.store.succeed(job_id, credits=3_000)


def test_the_images_are_in_one_file_under_their_numbers_as_they_are(api: Api) -> None:
    answer = api.batch(
        {"prompt": "a fox"},
        {"prompt": "a bear", "output_format": "png"},
        {"prompt": "a hare", "output_format": "jpeg"},
    )
    images = [picture(form=form) for form in ("webp", "png", "jpeg")]
    for job, image in zip(api.jobs(answer), images, strict=True):
        put(api, job.id, image)

    zipped, _ = archive(api, json_of(answer)["batch_id"])

    assert zipped.namelist() == ["001.webp", "002.png", "003.jpg", "manifest.json"]
    assert [zipped.read(name) for name in zipped.namelist()[:3]] == images
    assert {entry.compress_type for entry in zipped.infolist()} == {zipfile.ZIP_STORED}


def test_the_manifest_tells_of_the_batch_and_of_every_job(api: Api) -> None:
    batch = accepted_batch(api.store, 3)
    put(api, batch.jobs[0], picture())
    api.fail(batch.jobs[1])

    _, manifest = archive(api, batch.id)

    told = json_of(api.get(f"/batches/{batch.id}"))
    assert manifest == told | {"jobs": manifest["jobs"]}
    assert [job["job_id"] for job in manifest["jobs"]] == list(batch.jobs)
    assert [job["file"] for job in manifest["jobs"]] == ["001.png", None, None]
    assert [job["status"] for job in manifest["jobs"]] == ["succeeded", "failed", "queued"]
    assert manifest["jobs"][0]["request"]["prompt"] == "a fox"
    assert manifest["jobs"][1]["error"] == "It went wrong"


def test_an_archive_is_a_download_that_nobody_keeps(api: Api) -> None:
    batch = accepted_batch(api.store, 1)

    answer = api.get(f"/batches/{batch.id}/archive")

    assert answer.content_type == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="batch-{batch.id}.zip"'


def test_a_batch_of_which_nothing_is_done_has_a_manifest(api: Api) -> None:
    batch = accepted_batch(api.store, 2)

    zipped, manifest = archive(api, batch.id)

    assert zipped.namelist() == ["manifest.json"]
    assert manifest["status"] == "queued"


def test_a_batch_half_done_has_what_is_done_under_its_own_number(api: Api) -> None:
    batch = accepted_batch(api.store, 4)
    put(api, batch.jobs[1], picture(70, 70))
    put(api, batch.jobs[3], picture(90, 90))

    zipped, manifest = archive(api, batch.id)

    assert zipped.namelist() == ["002.png", "004.png", "manifest.json"]
    assert zipped.read("004.png") == picture(90, 90)
    assert manifest["counts"]["succeeded"] == 2


def test_a_picture_of_a_job_that_has_not_ended_is_none_of_it(api: Api) -> None:
    batch = accepted_batch(api.store, 1)
    api.services.images.put(known(api.store, batch.jobs[0]).image, picture())

    assert archive(api, batch.id)[0].namelist() == ["manifest.json"]


def test_an_image_that_was_deleted_is_missing_and_told_so(api: Api) -> None:
    batch = accepted_batch(api.store, 2)
    for job_id in batch.jobs:
        put(api, job_id, picture())
    api.call("DELETE", f"/jobs/{batch.jobs[0]}/image")

    zipped, manifest = archive(api, batch.id)

    assert zipped.namelist() == ["002.png", "manifest.json"]
    assert (manifest["jobs"][0]["file"], manifest["jobs"][0]["image_url"]) == (None, None)


def test_images_that_are_deleted_while_it_is_sent_leave_it_whole(api: Api) -> None:
    batch = accepted_batch(api.store, 3)
    large = random.randbytes(MEBIBYTE)
    for job_id in batch.jobs:
        put(api, job_id, large)
    answer = open_stream(api, f"/batches/{batch.id}/archive")
    chunks = answer.iter_encoded()
    sent = [next(chunks), next(chunks)]  # in the middle of the first

    for job_id in batch.jobs:
        api.services.images.delete(known(api.store, job_id).image)
    data = b"".join([*sent, *chunks])
    answer.close()

    zipped = zipfile.ZipFile(io.BytesIO(data))
    assert zipped.testzip() is None
    assert zipped.namelist() == ["001.png", "manifest.json"]
    assert zipped.read("001.png") == large
    manifest = json.loads(zipped.read("manifest.json"))
    assert [job["file"] for job in manifest["jobs"]] == ["001.png", None, None]


class Fickle(FolderStore):
    """A store whose images are deleted by somebody just after they were found."""

    def find(self, name: str) -> File | None:
        """Find an image, which is gone by then."""
        path = super().find(name)
        self.delete(name)
        return path


def test_an_image_that_is_deleted_just_when_it_is_to_be_sent_is_missing(api: Api) -> None:
    batch = accepted_batch(api.store, 2)
    put(api, batch.jobs[0], picture())
    fickle = Fickle(folder_of(api.services.images))

    zipped, manifest = archive(Api(replace(api.services, images=fickle), api.redis), batch.id)

    assert zipped.namelist() == ["manifest.json"]
    assert [job["file"] for job in manifest["jobs"]] == [None, None]


@pytest.mark.parametrize("read", [0, 1, 3])
def test_who_stops_reading_leaves_no_file_open(api: Api, read: int) -> None:
    batch = accepted_batch(api.store, 2)
    put(api, batch.jobs[0], random.randbytes(MEBIBYTE))
    before = len(os.listdir("/dev/fd"))  # noqa: PTH208 - a folder of numbers
    answer = open_stream(api, f"/batches/{batch.id}/archive")
    chunks = answer.iter_encoded()
    sent = [next(chunks) for _ in range(read)]

    answer.close()

    assert len(sent) == read
    assert len(os.listdir("/dev/fd")) <= before  # noqa: PTH208


def test_a_hundred_large_pictures_take_the_memory_of_a_piece_of_one(api: Api) -> None:
    batch = accepted_batch(api.store, 100)
    large = random.randbytes(4 * MEBIBYTE)
    for job_id in batch.jobs:
        name = known(api.store, job_id).image
        if job_id == batch.jobs[0]:
            api.services.images.put(name, large)
            first = folder_of(api.services.images) / name
        else:
            (folder_of(api.services.images) / name).hardlink_to(first)
        api.store.succeed(job_id)
    answer = open_stream(api, f"/batches/{batch.id}/archive")

    tracemalloc.start()
    try:
        size = sum(len(chunk) for chunk in answer.iter_encoded())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        answer.close()

    assert size > 400 * MEBIBYTE
    assert peak < 2 * MEBIBYTE


def test_no_more_is_read_than_is_sent(api: Api) -> None:
    batch = accepted_batch(api.store, 1)
    put(api, batch.jobs[0], random.randbytes(20 * MEBIBYTE))
    answer = open_stream(api, f"/batches/{batch.id}/archive")
    chunks = answer.iter_encoded()

    sizes = [len(next(chunks)) for _ in range(5)]

    assert max(sizes) <= MEBIBYTE
    answer.close()


def test_an_unknown_batch_has_no_archive(api: Api) -> None:
    assert_fault(api.get("/batches/x/archive"), 404, "not_found")


def test_an_archive_is_of_one_moment(api: Api) -> None:
    batch = accepted_batch(api.store, 2)
    answer = open_stream(api, f"/batches/{batch.id}/archive")
    put(api, batch.jobs[0], picture())
    api.store.fail(batch.jobs[1], CLAIM)

    zipped = zipfile.ZipFile(io.BytesIO(answer.get_data()))

    manifest = json.loads(zipped.read("manifest.json"))
    assert (zipped.namelist(), manifest["status"]) == (["manifest.json"], "queued")
    assert {job["status"] for job in manifest["jobs"]} == {"queued"}
