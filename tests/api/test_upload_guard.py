"""Files that mean harm: they are refused at the door, at once, and leave nothing behind."""

import io
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse

from api.uploads import read_image
from shared.image_file import ImageInfo
from shared.settings import load_settings
from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.api.named import data_url, kept, upscale
from tests.measuring import cost_of
from tests.pictures import (
    animated,
    chunk,
    laden,
    picture,
    png,
    png_header,
    riff,
    several_in_one,
    turned,
    vp8x,
)

FORMS = ("png", "jpeg", "webp")
NO_PICTURE = "image: The file is not a PNG, JPEG or WebP image"
ANIMATED = "image is an animation; send one picture, without motion"
TOO_LARGE = "Image dimensions should not exceed 512x512"
SVG = b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg' width='64' height='64'/>"


def zipped() -> bytes:
    """Return a ZIP with a page in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return out.getvalue()


def box(brand: bytes) -> bytes:
    """Return how a file of the MPEG-4 family begins, to which HEIC and AVIF belong."""
    return b"\0\0\0\x18ftyp" + brand + b"\0\0\0\0mif1" + brand + bytes(100)


def bomb(side: int) -> bytes:
    """Return a PNG of a few KB with a whole structure, which unpacks to gigabytes."""
    return png(
        png_header(side, side),
        chunk(b"IDAT", zlib.compress(bytes(3_000_000), 9)),
        chunk(b"IEND", b""),
    )


@pytest.mark.parametrize(
    "data",
    [
        SVG, b"GIF89a" + bytes(50), b"GIF87a" + picture(), box(b"heic"), box(b"avif"), b"BM" + bytes(60),
        b"II*\0" + bytes(60), b"MM\0*" + bytes(60), b"\0\0\1\0" + bytes(60), b"8BPS" + bytes(60),
        b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(60), b"\xff\x0a" + bytes(60), b"%PDF-1.7\n" + picture(),
        zipped(), zipped() + picture(), b"#!/bin/sh\n", b"<html>" + picture(), b"\n" + picture(),
        b"\xef\xbb\xbf" + picture(), picture()[1:], b"P6 64 64 255\n" + bytes(64 * 64 * 3),
        b"RIFF\x24\0\0\0WAVEfmt " + bytes(28), b"RIFX" + picture(form="webp")[4:],
    ],
)  # fmt: skip
def test_only_png_jpeg_and_webp_are_pictures_here_by_their_content(api: Api, data: bytes) -> None:
    assert errors_of(api.upscale(data)) == {"image": NO_PICTURE}
    assert api.is_empty()


@pytest.mark.parametrize("name", ["a.png", "a.svg", "a.php", "../a", "a.png\0.exe"])
def test_neither_name_nor_type_makes_a_file_a_picture(api: Api, name: str) -> None:
    file = FileStorage(io.BytesIO(SVG), filename=name, content_type="image/png")

    assert (
        errors_of(api.call("POST", "/upscale_image", data={"image": file}))["image"] == NO_PICTURE
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("behind", [zipped(), SVG, b"\0", picture(form="jpeg")])
def test_what_stands_behind_a_picture_does_not_count(api: Api, form: str, behind: bytes) -> None:
    assert api.upscale(picture(form=form) + behind).status_code == 202


@pytest.mark.parametrize("form", FORMS)
def test_metadata_keep_no_picture_out(api: Api, form: str) -> None:
    assert api.upscale(laden(form)).status_code == 202


def test_a_cameras_file_of_several_pictures_is_taken_for_the_first(api: Api) -> None:
    assert api.upscale(several_in_one()).status_code == 202


@pytest.mark.parametrize("form", ["png", "webp"])
def test_an_animation_is_refused_and_told_so(api: Api, form: str) -> None:
    assert errors_of(api.upscale(animated(form))) == {"image": ANIMATED}
    assert errors_of(upscale(api, image_url=data_url(animated(form)))) == {
        "image_url": ANIMATED.replace("image", "image_url", 1)
    }
    batch = json_of(api.batch_of_images(picture(), animated(form)))
    assert [(fault["index"], fault["error"]) for fault in batch["errors"]] == [(1, ANIMATED)]
    assert api.is_empty()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (riff(vp8x(65, 64), (b"VP8 ", picture(form="webp")[20:])), "The WebP says two sizes"),
        (picture()[:33] + chunk(b"IHDR", picture()[16:29]) + picture()[33:], "make no sense"),
        (picture().replace(b"IDAT", b"IDaT"), "The PNG is damaged"),
        (picture(form="jpeg")[:2] + b"\xff\xc0\x00\x0b\x08\x02\x58\x02\x58\x01\x01\x11\x00"
         + picture(form="jpeg")[2:], "The JPEG has two frames"),
    ],
)  # fmt: skip
def test_a_file_that_two_programs_read_differently_is_refused(
    api: Api, data: bytes, complaint: str
) -> None:
    assert complaint in errors_of(api.upscale(data))["image"]
    assert api.is_empty()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("turn", [1, 6])
def test_the_largest_side_is_one_as_the_viewer_sees_it(api: Api, form: str, turn: int) -> None:
    assert errors_of(api.upscale(turned(form, turn, 513, 64))) == {"image": TOO_LARGE}
    assert errors_of(api.upscale(turned(form, turn, 64, 513))) == {"image": TOO_LARGE}
    assert api.upscale(turned(form, turn, 512, 64)).status_code == 202


def test_an_upload_is_known_as_the_viewer_sees_it(api: Api) -> None:
    file = FileStorage(io.BytesIO(turned("jpeg", 6, 80, 40)), filename="a")

    upload, faults = read_image(file, api.services.settings)

    assert upload is not None
    assert (upload.info, faults) == (ImageInfo("jpeg", 40, 80), [])


def test_what_is_stored_for_the_worker_is_what_was_sent(api: Api) -> None:
    data = turned("jpeg", 6)

    assert kept(api, api.upscale(data)) == data


@pytest.mark.parametrize("way", ["form", "data"])
def test_a_huge_picture_in_a_small_file_costs_next_to_nothing(api: Api, way: str) -> None:
    data = bomb(50_000)
    answers: list[TestResponse] = []
    assert len(data) < 4_000
    api.upscale(picture(600, 600))  # what is loaded once

    def send() -> None:
        answers.append(
            api.upscale(data) if way == "form" else upscale(api, image_url=data_url(data))
        )

    cost = cost_of(send)

    assert TOO_LARGE in errors_of(answers[0]).values()
    assert cost.seconds < 0.05
    assert cost.memory < 64_000_000


def test_the_check_itself_takes_a_millisecond_and_hardly_any_memory() -> None:
    settings, file = load_settings(None), FileStorage(io.BytesIO(bomb(50_000)), filename="a")

    cost = cost_of(lambda: [read_image(file, settings) for _ in range(20)])

    assert cost.seconds < 0.05
    assert cost.memory < 4_000_000


def test_what_costs_something_is_noticed() -> None:
    cost = cost_of(lambda: sum(bytearray(b"\1" * 100_000_000)[::50]))

    assert cost.seconds > 0.01
    assert cost.memory > 64_000_000


class Counting(io.BytesIO):
    """A file that tells how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as ever, and count."""
        data = super().read(size)
        self.taken += len(data)
        return data


def test_a_file_that_is_too_large_is_not_read(start: Start) -> None:
    stream = Counting(bytes(2_000))
    over = start(max_upload_bytes=1_024)

    answer = over.call(
        "POST", "/upscale_image", data={"image": FileStorage(io.BytesIO(bytes(2_000)), "a", "a")}
    )
    with pytest.raises(Exception, match="larger than 1024 bytes"):
        read_image(FileStorage(stream, "a"), over.services.settings)

    assert_fault(answer, 413, "payload_too_large")
    assert stream.taken == 0


def test_a_data_url_is_measured_before_it_is_unpacked(start: Start) -> None:
    image = picture(512, 512, "jpeg")
    at_limit, over = start(max_upload_bytes=len(image)), start(max_upload_bytes=len(image) - 1)

    assert_fault(upscale(over, image_url=data_url(image)), 413, "payload_too_large")
    assert_fault(upscale(over, image_url=data_url(image) + "?"), 413, "payload_too_large")
    assert upscale(at_limit, image_url=data_url(image)).status_code == 202


def test_no_temporary_file_and_no_open_file_is_left(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    padded = picture() + bytes(3_000_000)  # more than is held in memory
    before = open_files()

    answers = [
        api.upscale(padded),
        api.upscale(b"GIF89a" + padded),
        api.upscale(padded, mask=padded),
        api.upscale(padded, prompt="not here"),
        api.batch_of_images(padded, b"no" + padded),
    ]
    for answer in answers:
        answer.request.input_stream.close()  # that is the test client's

    assert [answer.status_code for answer in answers] == [202, 400, 400, 400, 400]
    assert open_files() == before
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and "images" not in path.parts
    ]
    assert len(api.inputs()) == 1


def open_files() -> int:
    """Return how many files this process has open; 0 where nobody tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def test_an_upload_that_crashes_on_its_way_leaves_nothing(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(os, "link", crash)
    monkeypatch.setattr(Path, "rename", crash)

    assert_fault(api.upscale(picture()), 503, "unavailable")

    assert api.is_empty()
