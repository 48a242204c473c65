"""Declare the provider's operations as data: fields, limits and prices."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.sizes import RATIOS

MAX_BODY = 10 * 1024 * 1024
MAX_SEED = 4_294_967_294
RESULT_SECONDS = 24 * 3600
POLL_SECONDS = 10
CLIENT_HEADERS = ("stability-client-id", "stability-client-user-id", "stability-client-version")

FORMATS = ("png", "jpeg", "webp")
STYLES = (
    "3d-model",
    "analog-film",
    "anime",
    "cinematic",
    "comic-book",
    "digital-art",
    "enhance",
    "fantasy-art",
    "isometric",
    "line-art",
    "low-poly",
    "modeling-compound",
    "neon-punk",
    "origami",
    "photographic",
    "pixel-art",
    "tile-texture",
)


@dataclass(frozen=True)
class Text:
    """Describe a field of free text; `limit` counts characters."""

    required: bool = False
    limit: int = 10_000


@dataclass(frozen=True)
class Choice:
    """Describe a field that takes one of a few words."""

    options: tuple[str, ...]
    default: str | None = None


@dataclass(frozen=True)
class Number:
    """Describe a field that takes a number between two others, both included."""

    low: float
    high: float
    default: float | None = None
    whole: bool = False


@dataclass(frozen=True)
class Picture:
    """Describe an uploaded picture's limits; `widest` is the longer side over the shorter."""

    required: bool = True
    sides: tuple[int, int | None] = (64, None)
    pixels: tuple[int, int | None] = (4_096, 9_437_184)
    widest: float | None = None


Field = Text | Choice | Number | Picture
Given = Mapping[str, object]


@dataclass(frozen=True)
class Operation:
    """Describe one paid call; prices are thousandths of a credit by model."""

    name: str
    fields: Mapping[str, Field]
    prices: Mapping[str, int]
    rules: Callable[[Given], list[str]] = lambda _given: []
    asynchronous: bool = False

    @property
    def path(self) -> str:
        """Return the path that the call is posted to."""
        return f"/v2beta/stable-image/{self.name}"

    def model(self, values: Given) -> str:
        """Return the model that will do the work."""
        return str(values.get("model", next(iter(self.prices))))


def _ultra_rules(given: Given) -> list[str]:
    if "image" in given and "strength" not in given:
        return ["strength: required when image is given"]
    if "strength" in given and "image" not in given:
        return ["strength: only allowed together with image"]
    return []


def _sd3_rules(given: Given) -> list[str]:
    if given.get("mode") == "image-to-image":
        missing = [f"{name}: required" for name in ("image", "strength") if name not in given]
        if "aspect_ratio" in given:
            missing.append("aspect_ratio: not allowed in image-to-image mode")
        return missing
    return [
        f"{name}: only allowed in image-to-image mode"
        for name in ("image", "strength")
        if name in given
    ]


_PROMPT = Text(required=True)
_RATIO = Choice(RATIOS, "1:1")
_STYLE = Choice(STYLES)
_STRENGTH = Number(0, 1)
_FORMAT: dict[str, Field] = {"output_format": Choice(FORMATS, "png")}
_USUAL: dict[str, Field] = {
    "prompt": _PROMPT,
    "negative_prompt": Text(),
    "seed": Number(0, MAX_SEED, 0, whole=True),
    **_FORMAT,
}

OPERATIONS: dict[str, Operation] = {
    operation.name: operation
    for operation in (
        Operation(
            "generate/core",
            {**_USUAL, "aspect_ratio": _RATIO, "style_preset": _STYLE},
            {"core": 3_000},
        ),
        Operation(
            "generate/ultra",
            {
                **_USUAL,
                "aspect_ratio": _RATIO,
                "style_preset": _STYLE,
                "image": Picture(required=False, sides=(64, 16_384), pixels=(4_096, None)),
                "strength": _STRENGTH,
            },
            {"ultra": 8_000},
            _ultra_rules,
        ),
        Operation(
            "generate/sd3",
            {
                **_USUAL,
                # The names sd3-large and so on are left out: the live validator lists four.
                "model": Choice(
                    ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash"),
                    "sd3.5-large",
                ),
                "mode": Choice(("text-to-image", "image-to-image"), "text-to-image"),
                "image": Picture(required=False, pixels=(4_096, None)),
                "strength": _STRENGTH,
                "aspect_ratio": _RATIO,
                "style_preset": _STYLE,
                "cfg_scale": Number(1, 10),
            },
            {
                "sd3.5-large": 6_500,
                "sd3.5-large-turbo": 4_000,
                "sd3.5-medium": 3_500,
                "sd3.5-flash": 2_500,
            },
            _sd3_rules,
        ),
        Operation(
            "upscale/fast",
            {"image": Picture(sides=(32, 1_536), pixels=(1_024, 1_048_576)), **_FORMAT},
            {"fast": 2_000},
        ),
        Operation(
            "upscale/conservative",
            {"image": Picture(widest=2.5), **_USUAL, "creativity": Number(0.2, 0.5, 0.35)},
            {"conservative": 40_000},
        ),
        Operation(
            "upscale/creative",
            {
                "image": Picture(pixels=(4_096, 1_048_576)),
                **_USUAL,
                "style_preset": _STYLE,
                "creativity": Number(0.1, 0.5, 0.3),
            },
            {"creative": 60_000},
            asynchronous=True,
        ),
    )
}
