"""The table of provider operations: each is declared once, and everything else reads it from here.

Fields, limits, sizes and credits are from the provider's reference (2026 price list). Adding an
operation is one more entry in `OPERATIONS` and its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

Kind = Literal["generate", "upscale"]
AspectRatio = Literal["21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"]
OutputFormat = Literal["webp", "png", "jpeg"]
StylePreset = Literal[
    "3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance",
    "fantasy-art", "isometric", "line-art", "low-poly", "modeling-compound", "neon-punk",
    "origami", "photographic", "pixel-art", "tile-texture",
]  # fmt: skip
Prompt = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000),
    # What is left of blanks is too short; U+0085 is one that JSON Schema's \s does not know.
    Field(json_schema_extra={"pattern": r"[^\s\u0085]"}),
]
# The provider refuses an empty one, which says nothing anyway.
NegativePrompt = Annotated[
    Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)] | None,
    AfterValidator(lambda text: text or None),
]
Seed = Annotated[int, Field(ge=0, le=4_294_967_294)]


class Options(BaseModel):
    """What every operation takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    output_format: OutputFormat = "webp"


class GenerateOptions(Options):
    """What the three ways to make an image take."""

    prompt: Prompt
    negative_prompt: NegativePrompt = None
    aspect_ratio: AspectRatio = "1:1"
    style_preset: StylePreset | None = None
    seed: Seed | None = None


class ConservativeOptions(Options):
    """What the upscaler that keeps to its input takes."""

    prompt: Prompt
    negative_prompt: NegativePrompt = None
    seed: Seed | None = None
    creativity: Annotated[float, Field(ge=0.2, le=0.5)] | None = None


class CreativeOptions(Options):
    """What the upscaler that reimagines its input takes."""

    prompt: Prompt
    negative_prompt: NegativePrompt = None
    seed: Seed | None = None
    creativity: Annotated[float, Field(ge=0.1, le=0.5)] | None = None
    style_preset: StylePreset | None = None


@dataclass(frozen=True, slots=True)
class InputLimits:
    """The sides and pixels of an image that the provider accepts; `ratio` is long side : short."""

    min_side: int
    min_pixels: int
    max_pixels: int
    max_side: int | None = None
    max_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """One provider operation.

    `variants` maps each name a caller may choose (a `model` or a `mode`) to its price in
    thousandths of a credit. `sizes` maps an aspect ratio to the width and height that are documented;
    `enlarges` is the factor per side where it is fixed. `selector` is the provider's own field for
    the variant, where one path serves several. What is `asynchronous` is begun, and then asked for.
    """

    name: str
    kind: Kind
    path: str
    options: type[Options]
    variants: Mapping[str, int]
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    input: InputLimits | None = None
    enlarges: int | None = None
    selector: str | None = None
    asynchronous: bool = False


# The provider's table for its services of about one megapixel.
_SIZES = {
    "21:9": (1536, 640), "16:9": (1344, 768), "3:2": (1216, 832), "5:4": (1088, 896),
    "1:1": (1024, 1024), "4:5": (896, 1088), "2:3": (832, 1216), "9:16": (768, 1344),
    "9:21": (640, 1536),
}  # fmt: skip
# Core was seen to answer 1.5 times that per side (1:1 and 16:9 measured, the others by this rule).
_CORE_SIZES = {ratio: (w * 3 // 2, h * 3 // 2) for ratio, (w, h) in _SIZES.items()}

OPERATIONS = (
    Operation(
        name="generate/core",
        kind="generate",
        path="/v2beta/stable-image/generate/core",
        options=GenerateOptions,
        variants={"core": 3_000},
        sizes=_CORE_SIZES,
    ),
    Operation(
        name="generate/ultra",
        kind="generate",
        path="/v2beta/stable-image/generate/ultra",
        options=GenerateOptions,
        variants={"ultra": 8_000},
        sizes=_SIZES,
    ),
    Operation(
        name="generate/sd3",
        kind="generate",
        path="/v2beta/stable-image/generate/sd3",
        options=GenerateOptions,
        variants={
            "sd3.5-large": 6_500,
            "sd3.5-large-turbo": 4_000,
            "sd3.5-medium": 3_500,
            "sd3.5-flash": 2_500,
        },
        sizes=_SIZES,
        selector="model",
    ),
    Operation(
        name="upscale/fast",
        kind="upscale",
        path="/v2beta/stable-image/upscale/fast",
        options=Options,
        variants={"fast": 2_000},
        input=InputLimits(min_side=32, max_side=1536, min_pixels=1_024, max_pixels=1_048_576),
        enlarges=4,
    ),
    Operation(
        name="upscale/conservative",
        kind="upscale",
        path="/v2beta/stable-image/upscale/conservative",
        options=ConservativeOptions,
        variants={"conservative": 40_000},
        input=InputLimits(min_side=64, min_pixels=4_096, max_pixels=9_437_184, max_ratio=2.5),
    ),
    Operation(
        name="upscale/creative",
        kind="upscale",
        path="/v2beta/stable-image/upscale/creative",
        options=CreativeOptions,
        variants={"creative": 60_000},
        input=InputLimits(min_side=64, min_pixels=4_096, max_pixels=1_048_576),
        asynchronous=True,
    ),
)

BY_NAME = {operation.name: operation for operation in OPERATIONS}
BY_VARIANT = {variant: operation for operation in OPERATIONS for variant in operation.variants}


def offered(kind: Kind) -> dict[str, Operation]:
    """Return the variants a caller may choose for a kind, the default first."""
    return {
        variant: operation for variant, operation in BY_VARIANT.items() if operation.kind == kind
    }


def price(variant: str, overrides: Mapping[str, int]) -> int:
    """Return what an image costs, in thousandths of a credit."""
    return overrides.get(variant, BY_VARIANT[variant].variants[variant])
