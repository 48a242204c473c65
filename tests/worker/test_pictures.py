"""Only the picture that was asked for passes; a wrong format alone is put right."""

import io

import pytest
from PIL import Image

from shared.errors import ProviderBadImage
from shared.image_file import ImageInfo, inspect
from shared.jobs import Job
from tests.builders import a_job
from tests.pictures import chunk, damaged, picture, png, png_header
from worker.pictures import checked

FORMATS = ("png", "jpeg", "webp")


def wanting(form: str, ratio: str = "1:1") -> Job:
    """Return a job for a new picture."""
    return a_job(request={"prompt": "x", "aspect_ratio": ratio, "output_format": form})


def enlarging(form: str) -> Job:
    """Return a job that enlarges a picture."""
    return a_job(operation="upscale/fast", variant="fast", request={"output_format": form})


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_of_the_right_format_passes_unchanged(form: str) -> None:
    data = picture(form=form)

    assert checked(data, wanting(form), None) == (data, ImageInfo(form, 64, 64))


MODES = {
    "png": ("RGB", "RGBA", "L", "LA", "P"),
    "jpeg": ("RGB", "L", "CMYK"),
    "webp": ("RGB", "RGBA"),
}


@pytest.mark.parametrize(
    ("sent", "wanted", "mode"),
    [(a, b, mode) for a in FORMATS for b in FORMATS if a != b for mode in MODES[a]],
)
def test_another_format_is_converted(sent: str, wanted: str, mode: str) -> None:
    data = picture(form=sent, mode=mode)

    converted, info = checked(data, wanting(wanted), None)

    assert info == inspect(converted) == ImageInfo(wanted, 64, 64)
    with Image.open(io.BytesIO(data)) as before, Image.open(io.BytesIO(converted)) as after:
        assert after.convert("L").getpixel((32, 60)) == pytest.approx(
            before.convert("L").getpixel((32, 60)), abs=12
        )


@pytest.mark.parametrize("wanted", ["png", "webp"])
def test_what_is_transparent_stays_so_where_the_format_can(wanted: str) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (64, 64), (9, 9, 9, 0)).save(out, "WEBP" if wanted == "png" else "PNG")

    converted, _ = checked(out.getvalue(), wanting(wanted), None)

    with Image.open(io.BytesIO(converted)) as image:
        assert image.convert("RGBA").getpixel((5, 5)) == pytest.approx((9, 9, 9, 0), abs=9)


@pytest.mark.parametrize(
    ("ratio", "size", "passes"),
    [
        ("1:1", (1536, 1536), True),
        ("1:1", (1024, 1000), True),
        ("1:1", (1024, 960), False),
        ("16:9", (2016, 1152), True),
        ("16:9", (1344, 768), True),
        ("16:9", (1365, 768), True),
        ("16:9", (768, 1344), False),
        ("21:9", (1024, 1024), False),
    ],
)
def test_a_picture_of_another_shape_is_not_the_one(
    ratio: str, size: tuple[int, int], passes: bool
) -> None:
    data = picture(*size)

    if passes:
        assert checked(data, wanting("png", ratio), None)[0] == data
    else:
        with pytest.raises(ProviderBadImage, match="another shape"):
            checked(data, wanting("png", ratio), None)


@pytest.mark.parametrize(
    ("size", "complaint"),
    [((256, 128), None), ((64, 32), None), ((128, 128), "another shape"), ((32, 16), "smaller")],
)
def test_an_enlarged_picture_has_the_shape_of_the_original_and_is_no_smaller(
    size: tuple[int, int], complaint: str | None
) -> None:
    data, source = picture(*size), ImageInfo("png", 64, 32)

    if complaint is None:
        assert checked(data, enlarging("png"), source)[0] == data
    else:
        with pytest.raises(ProviderBadImage, match=complaint):
            checked(data, enlarging("png"), source)


@pytest.mark.parametrize("form", FORMATS)
def test_a_picture_that_is_cut_short_is_refused(form: str) -> None:
    with pytest.raises(ProviderBadImage, match="broken"):
        checked(picture(form=form)[:-4], wanting(form), None)


@pytest.mark.parametrize("form", ["png", "webp"])
def test_damaged_pixels_are_found_when_they_are_converted(form: str) -> None:
    wanted = "png" if form == "webp" else "webp"
    data = damaged(form)
    assert inspect(data).format == form

    with pytest.raises(ProviderBadImage, match="can't be read"):
        checked(data, wanting(wanted), None)


def test_a_picture_too_large_to_convert_is_refused_before_it_is_decoded() -> None:
    data = png(png_header(9_000, 9_000), chunk(b"IDAT", b""), chunk(b"IEND", b""))

    with pytest.raises(ProviderBadImage, match="too large to convert"):
        checked(data, wanting("webp"), None)
