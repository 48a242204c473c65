from typing import Any

import pytest
from PIL import Image, ImageChops, ImageStat

from sandbox.calls import Call, Form, read_call
from sandbox.palettes import GRADES
from sandbox.pictures import make, measure
from sandbox.wire import OPERATIONS, STYLES
from tests.sandbox.helpers import opened, picture

ODD_PROMPTS = [
    "line one\nline two\ttabbed",
    "x" * 10_000,
    "word " * 2_000,
    "\u732b\u304c\u5bdd\u3066\u3044\u308b \U0001f408 \u043f\u0440\u0438\u0432\u0435\u0442",
    "caf\u00e9 \u2014 \u201cna\u00efve\u201d",
    "\u202e\u0000\u0007 \ufffd",
    " ",
]


def call(operation: str, upload: bytes | None = None, **texts: Any) -> Call:
    files = {} if upload is None else {"image": [upload]}
    form = Form({name: [str(text)] for name, text in texts.items()}, files)
    return read_call(OPERATIONS[operation], form, measure, [])


def drawn(**texts: Any) -> Image.Image:
    return opened(make(call("generate/sd3", **{"prompt": "a cat", "seed": 7, **texts})).data)


def differ(first: Image.Image, second: Image.Image) -> bool:
    return ImageChops.difference(first, second).getbbox() is not None


@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_draws_in_the_asked_size_and_format(picture_format: str) -> None:
    made = make(call("generate/core", prompt="cat", output_format=picture_format))

    image = opened(made.data)
    assert (image.size, image.format) == ((1536, 1536), picture_format.upper())
    assert (made.format, made.finish_reason) == (picture_format, "SUCCESS")


def test_the_same_call_gives_the_same_pixels() -> None:
    assert not differ(drawn(), drawn(aspect_ratio="1:1"))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a dog"},
        {"seed": 8},
        {"negative_prompt": "dogs"},
        {"model": "sd3.5-flash"},
        {"style_preset": "anime"},
    ],
)
def test_any_change_gives_another_picture(change: dict[str, Any]) -> None:
    assert differ(drawn(), drawn(**change))


@pytest.mark.parametrize("prompt", ODD_PROMPTS)
def test_copes_with_any_prompt(prompt: str) -> None:
    assert drawn(prompt=prompt).size == (1024, 1024)


def test_knows_a_grade_for_every_style() -> None:
    assert set(GRADES) == set(STYLES)


@pytest.mark.parametrize(("strength", "copied"), [(0, True), (1, False)])
def test_strength_goes_from_a_copy_of_the_upload_to_none(strength: int, copied: bool) -> None:
    upload = picture((1024, 1024))
    made = make(call("generate/ultra", upload, prompt="cat", strength=strength, seed=1))

    middle = (200, 200, 800, 800)
    assert differ(opened(made.data).crop(middle), opened(upload).crop(middle)) is not copied


def test_image_to_image_takes_the_shape_of_the_upload() -> None:
    made = make(
        call("generate/sd3", picture((300, 200)), prompt="c", mode="image-to-image", strength=0.5)
    )

    assert opened(made.data).size == (1216, 832)


def test_upscaling_enlarges_what_was_sent() -> None:
    upload = picture((96, 64))
    image = opened(make(call("upscale/fast", upload)).data)

    enlarged = opened(upload).resize((384, 256), Image.Resampling.LANCZOS)
    lower = (0, 128, 384, 256)
    assert image.size == (384, 256)
    assert not differ(image.crop(lower), enlarged.crop(lower))


@pytest.mark.parametrize(("mode", "kept"), [("RGBA", "RGBA"), ("LA", "RGBA"), ("L", "RGB")])
def test_upscaling_keeps_transparency(mode: str, kept: str) -> None:
    made = make(call("upscale/fast", picture((64, 64), mode=mode)))

    assert opened(made.data).mode == kept


def test_upscaling_a_transparent_picture_to_jpeg_drops_transparency() -> None:
    made = make(call("upscale/fast", picture((64, 64), mode="RGBA"), output_format="jpeg"))

    assert opened(made.data).mode == "RGB"


def test_a_filtered_picture_is_blurred_and_says_so() -> None:
    plain, filtered = (
        make(call("generate/core", prompt="a city", seed=1), kind).data
        for kind in (None, "filtered")
    )

    assert make(call("generate/core", prompt="x"), "filtered").finish_reason == "CONTENT_FILTERED"
    assert sharpness(opened(filtered)) < sharpness(opened(plain)) / 5


def test_a_truncated_picture_cannot_be_decoded() -> None:
    assert measure(make(call("generate/core", prompt="x"), "truncated_image").data) is None


@pytest.mark.parametrize("picture_format", ["png", "jpeg", "webp"])
def test_a_wrong_format_is_honest_about_it(picture_format: str) -> None:
    asked = call("generate/core", prompt="x", output_format=picture_format)
    made = make(asked, "wrong_format")

    assert made.format != picture_format
    assert opened(made.data).format == made.format.upper()


def test_a_wrong_size_is_another_than_documented() -> None:
    assert measure(make(call("generate/core", prompt="x"), "wrong_size").data) == (768, 768)


def sharpness(image: Image.Image) -> float:
    shifted = ImageChops.offset(image, 3, 3)
    return ImageStat.Stat(ImageChops.difference(image, shifted)).mean[0]
