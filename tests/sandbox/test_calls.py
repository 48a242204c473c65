from collections.abc import Callable
from typing import Any

import pytest

from tests.sandbox.helpers import Caller, picture

PROMPT_OPERATIONS = ("generate/core", "generate/ultra", "generate/sd3")
RATIOS = "'21:9' | '16:9' | '3:2' | '5:4' | '1:1' | '4:5' | '2:3' | '9:16' | '9:21'"
NO_NUMBER = "expected an integer"


@pytest.mark.parametrize("operation", PROMPT_OPERATIONS)
def test_generating_needs_a_prompt(caller: Caller, operation: str) -> None:
    assert caller.errors(operation, seed=1) == ["prompt: required"]


@pytest.mark.parametrize("operation", ["upscale/conservative", "upscale/creative"])
def test_upscaling_with_words_needs_image_and_prompt(caller: Caller, operation: str) -> None:
    assert caller.errors(operation, seed=1) == ["image: required", "prompt: required"]


@pytest.mark.parametrize("name", ["promt", "width", "steps", "cfg_scale", "model", "image"])
def test_a_field_that_core_does_not_know_is_named(caller: Caller, name: str) -> None:
    fields = {"prompt": "cat", name: "1"}

    assert caller.errors("generate/core", **fields) == [f"{name}: unknown field"]


@pytest.mark.parametrize("name", ["prompt", "seed", "style_preset"])
def test_fast_takes_no_words(caller: Caller, photo: bytes, name: str) -> None:
    fields = {"image": photo, name: "1"}

    assert caller.errors("upscale/fast", **fields) == [f"{name}: unknown field"]


def test_all_that_is_wrong_is_listed_at_once(caller: Caller) -> None:
    errors = caller.errors("generate/core", prompt="", seed="x", aspect_ratio="4:3", stlye="anime")

    assert errors == [
        "stlye: unknown field",
        "prompt: must not be empty",
        f"seed: {NO_NUMBER}",
        f"aspect_ratio: invalid enum value. Expected {RATIOS}, received '4:3'",
    ]


@pytest.mark.parametrize(
    ("operation", "name", "value", "complaint"),
    [
        ("generate/core", "prompt", "x" * 10_001, "must contain at most 10000 character(s)"),
        ("generate/core", "negative_prompt", "", "must not be empty"),
        ("generate/core", "negative_prompt", "x" * 10_001, "must contain at most 10000"),
        ("generate/core", "seed", "4294967295", "must be between 0 and 4294967294"),
        ("generate/core", "seed", "-1", "must be between 0 and 4294967294"),
        ("generate/core", "seed", "1.5", NO_NUMBER),
        ("generate/core", "seed", "1_0", NO_NUMBER),
        ("generate/core", "output_format", "gif", "invalid enum value. Expected 'png' | 'jpeg'"),
        ("generate/core", "style_preset", "cubist", "invalid enum value. Expected '3d-model'"),
        ("generate/sd3", "model", "sd3-large", "invalid enum value. Expected 'sd3.5-large'"),
        ("generate/sd3", "cfg_scale", "0.9", "must be between 1 and 10"),
        ("generate/sd3", "cfg_scale", "nan", "expected a number"),
        ("generate/sd3", "mode", "inpaint", "invalid enum value"),
    ],
)
def test_refuses_values_outside_their_limits(
    caller: Caller, operation: str, name: str, value: str, complaint: str
) -> None:
    errors = caller.errors(operation, **{"prompt": "cat", name: value})

    assert len(errors) == 1
    assert errors[0].startswith(f"{name}: {complaint}")


@pytest.mark.parametrize("seed", [1, 4294967294])
def test_takes_seeds_up_to_the_limit(caller: Caller, seed: int) -> None:
    assert caller.generate(seed=seed).headers["seed"] == str(seed)


@pytest.mark.parametrize("creativity", ["0.19", "0.51"])
def test_conservative_limits_creativity(caller: Caller, photo: bytes, creativity: str) -> None:
    errors = caller.errors("upscale/conservative", image=photo, prompt="cat", creativity=creativity)

    assert errors == ["creativity: must be between 0.2 and 0.5"]


@pytest.mark.parametrize(
    ("operation", "size", "complaint"),
    [
        ("upscale/fast", (31, 40), "width and height must be between 32 and 1536 pixels each"),
        ("upscale/fast", (1537, 40), "width and height must be between 32 and 1536 pixels each"),
        ("upscale/fast", (1024, 1025), "total pixels must be between 1024 and 1048576"),
        ("upscale/creative", (1024, 1025), "total pixels must be between 4096 and 1048576"),
        ("upscale/creative", (63, 100), "width and height must be at least 64 pixels each"),
        ("upscale/conservative", (4000, 2360), "total pixels must be between 4096 and 9437184"),
        ("upscale/conservative", (64, 161), "aspect ratio must be between 1:2.5 and 2.5:1"),
    ],
)
def test_refuses_pictures_outside_the_operations_limits(
    caller: Caller, operation: str, size: tuple[int, int], complaint: str
) -> None:
    words = {} if operation == "upscale/fast" else {"prompt": "cat"}

    errors = caller.errors(operation, image=picture(size), **words)

    assert len(errors) == 1
    assert errors[0].startswith(f"image: {complaint}")


@pytest.mark.parametrize("size", [(32, 32), (1024, 1024), (1536, 40)])
def test_takes_pictures_at_the_limits_of_fast(caller: Caller, size: tuple[int, int]) -> None:
    answer = caller.post("upscale/fast", image=picture(size), output_format="jpeg")

    assert answer.status_code == 200


@pytest.mark.parametrize("spoil", [lambda _: b"hello", lambda p: p[:200], lambda _: b""])
def test_refuses_a_picture_that_cannot_be_decoded(
    caller: Caller, photo: bytes, spoil: Callable[[bytes], bytes]
) -> None:
    errors = caller.errors("upscale/fast", image=spoil(photo))

    assert errors == ["image: cannot be decoded as image/jpeg, image/png or image/webp"]


def test_refuses_a_picture_of_another_kind(caller: Caller) -> None:
    assert "cannot be decoded" in caller.errors("upscale/fast", image=picture((64, 64), "gif"))[0]


def test_text_sent_as_a_file_and_a_file_sent_as_text_are_refused(caller: Caller) -> None:
    errors = caller.errors("generate/ultra", prompt=b"cat", image="cat.png", strength=0.5)

    assert errors == [
        "prompt: must be sent as text, not as a file",
        "image: must be sent as a file",
    ]


def test_a_field_that_comes_twice_is_refused(caller: Caller) -> None:
    assert caller.errors("generate/core", prompt="cat", seed=b"1") == [
        "seed: must be sent as text, not as a file"
    ]
    answer = caller.post("generate/core", prompt=["a", "b"])
    assert answer.json["errors"] == ["prompt: sent more than once"]


def test_the_stray_empty_part_of_the_samples_is_harmless(caller: Caller) -> None:
    assert caller.generate(none=b"").status_code == 200
    assert caller.errors("generate/core", prompt="cat", none=b"x") == ["none: unknown field"]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"image": True}, ["image: only allowed in image-to-image mode"]),
        ({"strength": 0.5}, ["strength: only allowed in image-to-image mode"]),
        ({"mode": "image-to-image"}, ["image: required", "strength: required"]),
        ({"mode": "image-to-image", "image": True}, ["strength: required"]),
        (
            {"mode": "image-to-image", "image": True, "strength": 0.5, "aspect_ratio": "1:1"},
            ["aspect_ratio: not allowed in image-to-image mode"],
        ),
    ],
)
def test_sd3_keeps_its_modes_apart(
    caller: Caller, photo: bytes, fields: dict[str, Any], errors: list[str]
) -> None:
    sent = {name: photo if value is True else value for name, value in fields.items()}

    assert caller.errors("generate/sd3", prompt="cat", **sent) == errors


def test_ultra_takes_strength_if_and_only_if_it_takes_an_image(
    caller: Caller, photo: bytes
) -> None:
    alone = caller.errors("generate/ultra", prompt="cat", strength=0.5)
    without = caller.errors("generate/ultra", prompt="cat", image=photo)

    assert alone == ["strength: only allowed together with image"]
    assert without == ["strength: required when image is given"]
