"""GET /saved_images/<name>, when the image is there."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from shared.folder_store import File, FolderStore
from shared.jobs import new_image_name
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.builders import known, running
from tests.folders import folder_of
from tests.pictures import picture

IMAGE = picture(form="webp")
SIZE = len(IMAGE)


@pytest.fixture
def url(api: Api) -> str:
    """Give the address of an image that is there."""
    name = new_image_name("webp")
    api.services.images.put(name, IMAGE)
    return f"/saved_images/{name}"


def test_the_image_is_given_as_it_lies_there(api: Api, url: str) -> None:
    answer = api.get(url)

    assert (answer.status_code, answer.get_data()) == (200, IMAGE)
    assert answer.headers["Content-Length"] == str(SIZE)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_the_image_may_be_kept_by_everybody_for_a_day(api: Api, url: str) -> None:
    control = api.get(url).headers["Cache-Control"]

    assert set(control.split(", ")) == {"public", "max-age=86400", "immutable"}


@pytest.mark.parametrize(
    ("form", "kind"), [("webp", "image/webp"), ("png", "image/png"), ("jpeg", "image/jpeg")]
)
def test_the_type_is_told_from_the_name(api: Api, form: str, kind: str) -> None:
    name = new_image_name(form)
    api.services.images.put(name, picture(form=form))

    assert api.get(f"/saved_images/{name}").headers["Content-Type"] == kind


def test_an_image_that_is_there_is_given_before_its_job_is_called_done(api: Api) -> None:
    job = running(api.store)
    api.services.images.put(job.image, IMAGE)

    answer = api.get(f"/saved_images/{job.image}")

    assert (answer.status_code, api.events.seen.qsize()) == (200, 0)


def test_head_tells_the_same_without_the_image(api: Api, url: str) -> None:
    got, head = api.get(url), api.call("HEAD", url)

    assert (head.status_code, head.get_data()) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


def test_an_image_that_the_caller_has_already_is_304(api: Api, url: str) -> None:
    etag = api.get(url).headers["ETag"]

    answer = api.get(url, If_None_Match=etag)

    assert (answer.status_code, answer.get_data()) == (304, b"")
    assert answer.headers["ETag"] == etag
    assert etag.startswith('"')


def test_another_etag_gets_the_image(api: Api, url: str) -> None:
    assert api.get(url, If_None_Match='"another"').status_code == 200


def test_two_images_have_two_etags(api: Api, url: str) -> None:
    name = new_image_name("webp")
    api.services.images.put(name, IMAGE)

    assert api.get(url).headers["ETag"] != api.get(f"/saved_images/{name}").headers["ETag"]


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=5-99999", 5, SIZE - 1),
        ("bytes=0-0", 0, 0),
    ],
)
def test_a_range_is_given_alone(api: Api, url: str, asked: str, first: int, last: int) -> None:
    answer = api.get(url, Range=asked)

    assert (answer.status_code, answer.get_data()) == (206, IMAGE[first : last + 1])
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last + 1 - first)


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", "bytes=99999-100000"])
def test_a_range_behind_the_end_is_416_and_tells_the_size(api: Api, url: str, asked: str) -> None:
    answer = api.get(url, Range=asked)

    assert_fault(answer, 416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "asked",
    ["lines=0-1", "bytes=0-1,4-5", "bytes=x", "0-9", "bytes=", "bytes=-", "bytes=²-"],
)
def test_a_range_that_is_none_of_ours_gets_the_whole(api: Api, url: str, asked: str) -> None:
    answer = api.get(url, Range=asked)

    assert (answer.status_code, answer.get_data()) == (200, IMAGE)


def test_a_range_of_absurd_numbers_is_no_defect(api: Api, url: str) -> None:
    answers = [
        api.get(url, Range=f"bytes={text}") for text in ("0-" + "9" * 5_000, "9" * 5_000 + "-")
    ]

    assert {answer.status_code for answer in answers} <= {200, 206, 416}


def test_a_range_of_another_state_of_the_image_gets_the_whole(api: Api, url: str) -> None:
    etag = api.get(url).headers["ETag"]

    same, other = (api.get(url, Range="bytes=0-9", If_Range=tag) for tag in (etag, '"another"'))

    assert (same.status_code, other.status_code) == (206, 200)


def test_an_image_may_be_asked_for_as_a_download(api: Api, url: str) -> None:
    plain, download = api.get(url), api.get(f"{url}?download=1")

    assert "attachment" not in plain.headers.get("Content-Disposition", "")
    expected = f"attachment; filename={url.rpartition('/')[2]}"
    assert download.headers["Content-Disposition"] == expected
    assert download.get_data() == IMAGE


TRICKS = [
    "..",
    ".",
    "%2e%2e",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "..%5c..%5cetc",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    ".gitkeep",
    "a.png",
    "A" * 22,
    "A" * 22 + ".gif",
    "A" * 22 + ".webp.exe",
    "A" * 22 + ".webp%00",
    "A" * 22 + ".webp%0A",
    "A" * 22 + ".webp/",
    "A" * 21 + "%00.webp",
    "A" * 21 + "ä.webp",
    "A" * 21 + ".webp",
    "A" * 23 + ".webp",
    "A" * 22 + ".WEBP",
    "inputs",
    "x" * 5_000,
    "",
]


@pytest.mark.parametrize("name", TRICKS)
def test_no_other_name_opens_anything(api: Api, name: str) -> None:
    folder = folder_of(api.services.images)
    folder.mkdir(parents=True)
    (folder / ".gitkeep").touch()
    (folder / "a.png").write_bytes(IMAGE)

    answer = api.get(f"/saved_images/{name}")

    assert_fault(answer, 404, "not_found")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_link_in_the_folder_leads_nowhere(api: Api, tmp_path: Path) -> None:
    folder = folder_of(api.services.images)
    folder.mkdir(parents=True)
    (tmp_path / "secret").write_text("not an image")
    name = f"{'A' * 22}.webp"
    (folder / name).symlink_to(tmp_path / "secret")

    assert_fault(api.get(f"/saved_images/{name}"), 404, "not_found")


def test_inputs_are_never_given_out(api: Api) -> None:
    job = api.job(api.upscale())

    paths = [job.input, f"inputs/{job.input}", f"inputs%2F{job.input}", f"./inputs/{job.input}"]
    answers = [api.get(f"/saved_images/{path}") for path in paths]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert len(api.inputs()) == 1


def test_a_folder_of_an_images_name_is_no_image(api: Api) -> None:
    name = new_image_name("webp")
    (folder_of(api.services.images) / name).mkdir(parents=True)

    assert api.get(f"/saved_images/{name}").status_code == 404


def test_a_copy_is_kept_no_longer_than_the_image(start: Start) -> None:
    api = start(image_ttl_days=0.5)
    job_id = json_of(api.generate())["job_id"]
    api.succeed(job_id)

    kept = api.get(f"/saved_images/{known(api.store, job_id).image}").cache_control.max_age

    assert kept is not None
    assert 43_100 < kept <= 43_200


def test_a_copy_of_what_should_be_gone_is_not_kept(start: Start) -> None:
    api = start(image_ttl_days=0.5)
    name = new_image_name("webp")
    api.services.images.put(name, IMAGE)
    os.utime(folder_of(api.services.images) / name, (0, 0))

    assert api.get(f"/saved_images/{name}").cache_control.max_age == 0


def test_a_folder_in_trouble_is_no_missing_image_and_tells_no_name(
    api: Api, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = folder_of(api.services.images)
    folder.rename(folder.with_name("away"))
    folder.symlink_to(folder)

    answer = api.get(url)

    assert_fault(answer, 503, "unavailable")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("2", "no-store")
    assert url.rpartition("/")[2] not in caplog.text


class Vanishing(FolderStore):
    """A folder from which an image is deleted right after it was found."""

    def find(self, name: str) -> File | None:
        """Find an image, and delete it."""
        path = super().find(name)
        self.delete(name)
        return path


def test_an_image_that_is_deleted_while_it_is_looked_for_is_gone(api: Api) -> None:
    job = running(api.store)
    folder = Vanishing(folder_of(api.services.images))
    folder.put(job.image, IMAGE)

    answer = Api(replace(api.services, images=folder), api.redis).get(f"/saved_images/{job.image}")

    assert_fault(answer, 410, "gone")
