"""Draw on a sheet of palette indexes, one byte a pixel.

Colours come in only at the end, from a table of 256: painting in one channel, with gradients
that Pillow's C code stretches, is what makes a picture of 2.4 megapixels cost some milliseconds.
The table has three parts: a sky of 128 steps, five layers of land, far to near, with 24 steps
each from crest to foot, and 8 steps of pure light.
"""

import math
import random
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import cast

from PIL import Image, ImageChops, ImageDraw

from sandbox.palettes import Colour, Palette, mix, ramp
from sandbox.sizes import Size

SKY = 127
LAND = 128
STEPS = 24
LAYERS = 5
LIGHT = 255

Point = tuple[float, float]


def landscape_colours(palette: Palette, stops: Sequence[Colour] | None = None) -> list[Colour]:
    """Build the table of a landscape; `stops` replace the palette's sky."""
    haze = palette.sky[-3]
    table = ramp(stops or palette.sky, SKY + 1)
    for layer in range(LAYERS):
        near = (layer + 0.6) / (LAYERS - 0.4)
        crest = mix(haze, palette.ink, near**0.8)
        table += ramp((crest, mix(crest, haze, 0.45 * (1 - near) + 0.08)), STEPS)
    return table + [palette.light] * 8


def flat_level(level: int, bands: int) -> int:
    """Return the index whose colour a flattened picture shows: few in the sky, one a layer."""
    if level >= LAND:
        return LAND + (level - LAND) // STEPS * STEPS
    step = LAND // bands
    return min(SKY, level // step * step + step // 2)


def gradient(size: Size, top: int, bottom: int) -> Image.Image:
    """Fill a sheet with indexes that go evenly from its top to its bottom."""
    levels = [round(top + (bottom - top) * step / 255) for step in range(256)]
    return Image.linear_gradient("L").point(levels).resize(size, Image.Resampling.NEAREST)


def noise(rng: random.Random, cells: Size, size: Size) -> Image.Image:
    """Fill a sheet with soft clouds, so many cells across and down."""
    dots = Image.frombytes("L", cells, rng.randbytes(cells[0] * cells[1]))
    return dots.resize(size, Image.Resampling.BICUBIC)


def clouds(rng: random.Random, cells: int, size: Size, rough: float = 0.4) -> Image.Image:
    """Fill a sheet with clouds that use all indexes from 0 to 255; `rough` adds finer ones."""
    small = (180, 180)
    sheet = noise(rng, (cells, cells), small)
    for finer in (2, 4):
        detail = noise(rng, (cells * finer, cells * finer), small)
        sheet = Image.blend(sheet, detail, rough * 2 / finer**1.2)
    # Turned, so that the grid they grew from does not show.
    sheet = sheet.rotate(rng.uniform(25, 65), Image.Resampling.BICUBIC).crop((27, 27, 153, 153))
    # Averaged in floating point: steps of whole levels, stretched, would show as a weave.
    smooth = sheet.convert("F").resize((42, 42), Image.Resampling.BOX)
    low, high = cast("tuple[float, float]", smooth.getextrema())
    stretch = 255 / max(1.0, high - low)
    smooth = smooth.point(lambda level: level * stretch - low * stretch)
    return smooth.resize(size, Image.Resampling.BICUBIC).convert("L")


def glow(diameter: int, level: Callable[[float], float]) -> Image.Image:
    """Draw a round light; `level` gives the index for a distance of 0 (centre) to 1 (rim)."""
    levels = [max(0, min(255, round(level(min(1.0, step / 181))))) for step in range(256)]
    # The stored gradient reaches 255 in its corners, so that 181 lies on the inscribed circle.
    # A large light is so faint a slope that nobody sees whether it was smoothed.
    large = diameter > 900
    method = Image.Resampling.NEAREST if large else Image.Resampling.BILINEAR
    return _radial().point(levels).resize((diameter, diameter), method)


def shine(sheet: Image.Image, light: Image.Image, centre: Point, ceiling: int = SKY) -> None:
    """Add a light to the indexes around a point, up to a highest index."""
    left, top = round(centre[0] - light.width / 2), round(centre[1] - light.height / 2)
    right, bottom = min(sheet.width, left + light.width), min(sheet.height, top + light.height)
    box = (max(0, left), max(0, top), right, bottom)
    if box[0] >= box[2] or box[1] >= box[3]:
        return
    part = light.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
    lit = ImageChops.add(sheet.crop(box), part)
    if ceiling < LIGHT:
        lit = lit.point([min(level, ceiling) for level in range(256)])
    sheet.paste(lit, box)


def ridge(rng: random.Random, width: int, base: float, height: float, rough: float) -> list[Point]:
    """Draw a mountain line by halving; `rough` of 0.5 is jagged, smaller is smooth."""
    heights = [rng.uniform(-0.5, 0.5) for _ in range(4)]
    reach = 0.5
    while len(heights) < 160:
        reach *= rough
        between = [(a + b) / 2 + rng.uniform(-reach, reach) for a, b in pairwise(heights)]
        heights = [h for pair in zip(heights, between, strict=False) for h in pair] + heights[-1:]
    step = width / (len(heights) - 1)
    return [(i * step, base - h * height) for i, h in enumerate(heights)]


def swell(rng: random.Random, width: int, base: float, height: float) -> list[Point]:
    """Draw a line of soft waves."""
    waves = [_wave(rng, width) for _ in range(3)]
    xs = [width * step / 120 for step in range(121)]
    return [(x, base - height * sum(wave(x) for wave in waves)) for x in xs]


def _wave(rng: random.Random, width: int) -> Callable[[float], float]:
    pitch, phase = rng.uniform(0.5, 2.2) * math.tau / width, rng.uniform(0, math.tau)
    share = rng.uniform(0.2, 0.5)
    return lambda x: share * math.sin(pitch * x + phase)


def land(sheet: Image.Image, line: Sequence[Point], layer: int, depth: float) -> None:
    """Fill what lies under a line with a layer's colours, crest to foot over `depth` pixels."""
    top = max(0, math.floor(min(y for _, y in line)))
    size = (sheet.width, sheet.height - top)
    if size[1] <= 0:
        return
    mask = Image.new("1", size)
    outline = [(x, y - top) for x, y in line]
    ImageDraw.Draw(mask).polygon([*outline, (size[0], size[1]), (0, size[1])], fill=1)
    first = LAND + layer * STEPS
    last = first + min(STEPS - 1, round((STEPS - 1) * size[1] / max(1.0, depth)))
    sheet.paste(gradient(size, first, last), (0, top), mask)


@cache
def _radial() -> Image.Image:
    return Image.radial_gradient("L")
