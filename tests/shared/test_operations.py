"""The table of operations against the provider's document, written down here once more."""

from typing import get_args

import pytest
from pydantic import ValidationError

from shared.operations import (
    BY_NAME,
    BY_VARIANT,
    OPERATIONS,
    AspectRatio,
    Operation,
    StylePreset,
    offered,
    price,
)

GENERATE = {"prompt", "negative_prompt", "aspect_ratio", "style_preset", "seed", "output_format"}
FIELDS = {
    "generate/core": GENERATE,
    "generate/ultra": GENERATE | {"image", "strength"},
    "generate/sd3": GENERATE | {"model", "mode", "image", "strength", "cfg_scale"},
    "upscale/fast": {"image", "output_format"},
    "upscale/conservative": {
        "image", "prompt", "negative_prompt", "seed", "output_format", "creativity",
    },
    "upscale/creative": {
        "image", "prompt", "negative_prompt", "seed", "output_format", "creativity", "style_preset",
    },
}  # fmt: skip
CREDITS = {
    "core": 3,
    "ultra": 8,
    "sd3.5-large": 6.5,
    "sd3.5-large-turbo": 4,
    "sd3.5-medium": 3.5,
    "sd3.5-flash": 2.5,
    "fast": 2,
    "conservative": 40,
    "creative": 60,
}
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)


def test_the_table_holds_the_six_operations_once() -> None:
    assert [operation.name for operation in OPERATIONS] == list(FIELDS)
    assert len(BY_NAME) == len({operation.path for operation in OPERATIONS}) == len(OPERATIONS)


def test_every_variant_has_the_listed_price() -> None:
    assert {variant: price(variant, {}) / 1000 for variant in BY_VARIANT} == CREDITS


def test_a_variant_belongs_to_one_operation() -> None:
    assert len(BY_VARIANT) == sum(len(operation.variants) for operation in OPERATIONS)


def test_an_operator_may_set_another_price() -> None:
    assert price("core", {"core": 0}) == 0
    assert price("ultra", {"core": 0}) == 8_000


def test_generating_offers_core_first_and_each_model_by_name() -> None:
    assert list(offered("generate")) == [v for v in CREDITS if BY_VARIANT[v].kind == "generate"]
    assert next(iter(offered("generate"))) == "core"


def test_upscaling_offers_fast_first_and_each_mode_by_name() -> None:
    assert list(offered("upscale")) == ["fast", "conservative", "creative"]


def test_only_the_creative_upscale_is_begun_and_then_asked_for() -> None:
    assert [o.name for o in OPERATIONS if o.asynchronous] == ["upscale/creative"]


@each_operation
def test_a_path_is_the_providers(operation: Operation) -> None:
    assert operation.path == f"/v2beta/stable-image/{operation.name}"


@each_operation
def test_the_provider_knows_every_field_that_is_sent(operation: Operation) -> None:
    sent = {*operation.options.model_fields, *([operation.selector] if operation.selector else [])}

    assert sent <= FIELDS[operation.name]


@each_operation
def test_every_variant_is_told_apart_by_path_or_selector(operation: Operation) -> None:
    assert (len(operation.variants) > 1) == (operation.selector is not None)


@each_operation
def test_generating_has_sizes_and_upscaling_limits(operation: Operation) -> None:
    generates = operation.kind == "generate"

    assert set(operation.sizes) == (set(get_args(AspectRatio)) if generates else set())
    assert (operation.input is None) == generates


@pytest.mark.parametrize("name", ["generate/core", "generate/ultra", "generate/sd3"])
def test_a_size_has_its_ratio_and_the_service_its_megapixels(name: str) -> None:
    for ratio, (width, height) in BY_NAME[name].sizes.items():
        across, down = map(int, ratio.split(":"))
        megapixels = width * height / 1024**2

        assert width / height == pytest.approx(across / down, rel=0.06)
        assert megapixels == pytest.approx(2.25 if name == "generate/core" else 1, rel=0.1)


@each_operation
def test_an_unknown_option_is_refused(operation: Operation) -> None:
    needed = {"prompt": "a fox"} if "prompt" in operation.options.model_fields else {}

    operation.options.model_validate(needed)
    with pytest.raises(ValidationError, match="steps"):
        operation.options.model_validate({**needed, "steps": 30})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("generate/core", {"prompt": " "}),
        ("generate/core", {"prompt": "x" * 10_001}),
        ("generate/core", {"prompt": "x", "negative_prompt": "x" * 10_001}),
        ("generate/core", {"prompt": "x", "aspect_ratio": "4:3"}),
        ("generate/core", {"prompt": "x", "seed": -1}),
        ("generate/core", {"prompt": "x", "seed": 4_294_967_295}),
        ("generate/core", {"prompt": "x", "style_preset": "baroque"}),
        ("generate/core", {"prompt": "x", "output_format": "gif"}),
        ("upscale/fast", {"prompt": "x"}),
        ("upscale/conservative", {}),
        ("upscale/conservative", {"prompt": "x", "creativity": 0.19}),
        ("upscale/conservative", {"prompt": "x", "creativity": 0.51}),
        ("upscale/conservative", {"prompt": "x", "style_preset": "anime"}),
        ("upscale/creative", {"prompt": "x", "creativity": 0.09}),
    ],
)
def test_what_the_provider_would_refuse_is_refused_here(
    name: str, options: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        BY_NAME[name].options.model_validate(options)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("generate/core", {"prompt": "x" * 10_000, "seed": 4_294_967_294, "aspect_ratio": "9:21"}),
        ("upscale/conservative", {"prompt": "x", "creativity": 0.2}),
        ("upscale/creative", {"prompt": "x", "creativity": 0.1, "style_preset": "anime"}),
        ("upscale/fast", {"output_format": "jpeg"}),
    ],
)
def test_what_the_provider_would_take_is_taken(name: str, options: dict[str, object]) -> None:
    sent = BY_NAME[name].options.model_validate(options).model_dump(exclude_none=True)

    assert options.items() <= sent.items()


def test_there_are_seventeen_styles() -> None:
    assert len(get_args(StylePreset)) == 17
