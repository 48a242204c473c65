"""Which files may be sent on: told from their content, whole, of a size the provider takes."""

import io
import struct
import zlib

import pytest
from PIL import Image
from werkzeug.datastructures import FileStorage, MultiDict

from tests.api.callers import Api, assert_fault, errors_of, json_of
from tests.api.conftest import Start
from tests.pictures import picture

TOO_LARGE = {"image": "Image dimensions should not exceed 512x512"}
FORMS = ["png", "jpeg", "webp"]


def gif() -> bytes:
    """Return a GIF."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "GIF")
    return out.getvalue()


def png_that_claims(width: int, height: int) -> bytes:
    """Return a PNG whose header lies about its size, with a right checksum."""
    data = bytearray(picture())
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(512, 512), (512, 32), (32, 512), (32, 32)])
def test_the_limits_themselves_are_inside(api: Api, form: str, size: tuple[int, int]) -> None:
    assert api.upscale(picture(*size, form)).status_code == 202


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(513, 512), (512, 513), (513, 32), (2_000, 2_000)])
def test_a_side_over_the_limit_is_told_in_exactly_these_words(
    api: Api, form: str, size: tuple[int, int]
) -> None:
    assert errors_of(api.upscale(picture(*size, form))) == TOO_LARGE
    assert api.is_empty()


def test_the_largest_side_is_the_operators(start: Start) -> None:
    api = start(upscale_max_side=600)

    errors = errors_of(api.upscale(picture(601, 600)))

    assert api.upscale(picture(600, 600)).status_code == 202
    assert errors == {"image": "Image dimensions should not exceed 600x600"}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [(31, 64), (64, 31)])
def test_a_side_under_the_fast_modes_smallest_is_refused(
    api: Api, form: str, size: tuple[int, int]
) -> None:
    errors = errors_of(api.upscale(picture(*size, form)))

    assert errors == {"image": "Image sides should be at least 32 pixels"}
    assert api.is_empty()


def test_a_single_pixel_is_refused_for_every_limit_it_breaks(api: Api) -> None:
    answer = api.upscale(picture(1, 1))

    told = [fault["error"] for fault in json_of(answer)["errors"]]
    assert told[0] == "Image sides should be at least 32 pixels"
    assert "1024 to 1048576 pixels" in told[1]


@pytest.mark.parametrize("size", [(63, 70), (70, 63)])
def test_the_conservative_mode_has_a_larger_smallest_side(api: Api, size: tuple[int, int]) -> None:
    answer = api.upscale(picture(*size), mode="conservative", prompt="a fox")

    assert errors_of(answer)["image"] == "Image sides should be at least 64 pixels"
    assert api.is_empty()


@pytest.mark.parametrize("size", [(64, 161), (161, 64), (200, 501)])
def test_the_conservative_mode_refuses_a_long_thin_picture(api: Api, size: tuple[int, int]) -> None:
    answer = api.upscale(picture(*size), mode="conservative", prompt="a fox")

    assert "2.5 times" in errors_of(answer)["image"]
    assert api.is_empty()


@pytest.mark.parametrize("size", [(64, 64), (64, 160), (160, 64), (200, 500)])
def test_the_conservative_modes_limits_themselves_are_inside(
    api: Api, size: tuple[int, int]
) -> None:
    answer = api.upscale(picture(*size), mode="conservative", prompt="a fox")

    assert answer.status_code == 202


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cut", [1, 2, 12, 50, -20, -1])
def test_a_picture_that_is_cut_short_is_refused(api: Api, form: str, cut: int) -> None:
    errors = errors_of(api.upscale(picture(form=form)[:cut]))

    assert errors["image"].startswith("image: The ")
    assert api.is_empty()


def test_a_png_with_one_wrong_bit_is_refused(api: Api) -> None:
    data = bytearray(picture())
    data[60] ^= 1

    assert errors_of(api.upscale(bytes(data))) == {"image": "image: The PNG is damaged"}


@pytest.mark.parametrize(
    "data",
    [b"just text", gif(), b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\0" * 500],
)
def test_a_file_that_is_no_picture_of_ours_is_refused(api: Api, data: bytes) -> None:
    errors = errors_of(api.upscale(data))

    assert errors == {"image": "image: The file is not a PNG, JPEG or WebP image"}
    assert api.is_empty()


def test_a_header_that_claims_a_huge_picture_is_believed_without_decoding(api: Api) -> None:
    assert errors_of(api.upscale(png_that_claims(60_000, 60_000))) == TOO_LARGE


def test_a_picture_of_no_width_is_refused(api: Api) -> None:
    errors = errors_of(api.upscale(png_that_claims(0, 64)))

    assert errors == {"image": "image: The image has no pixels"}


@pytest.mark.parametrize("name", ["a.gif", "../../a", "a", "a\\b.txt", "ä.png", "x" * 300])
def test_the_files_name_and_type_count_for_nothing(api: Api, name: str) -> None:
    file = FileStorage(io.BytesIO(picture()), filename=name, content_type="text/plain")

    answer = api.call("POST", "/upscale_image", data={"image": file})

    assert answer.status_code == 202
    assert len(api.inputs()) == 1


def test_an_empty_file_is_a_missing_one(api: Api) -> None:
    assert errors_of(api.upscale(b"")) == {"image": "Image file is required"}
    assert api.is_empty()


def test_several_images_are_refused(api: Api) -> None:
    files = [("image", FileStorage(io.BytesIO(picture()), filename="a.png")) for _ in range(2)]

    answer = api.call("POST", "/upscale_image", data=MultiDict(files))

    assert errors_of(answer) == {"image": "image must be one file"}
    assert api.is_empty()


def test_a_file_under_another_name_is_refused_by_that_name(api: Api) -> None:
    errors = errors_of(api.upscale(mask=picture()))

    assert list(errors) == ["mask"]
    assert errors["mask"].startswith("mask is not a file ")
    assert api.is_empty()


def test_a_file_of_the_largest_size_is_taken_and_one_byte_more_is_413(start: Start) -> None:
    image = picture(512, 512, "jpeg")
    at_limit = start(max_upload_bytes=len(image))
    over = start(max_upload_bytes=len(image) - 1)

    assert_fault(over.upscale(image), 413, "payload_too_large")
    assert over.is_empty()
    assert at_limit.upscale(image).status_code == 202
