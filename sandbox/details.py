"""Draw what several scenes have in common: a sky, a sun, stars, firs, windows, a planet."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageDraw

from sandbox.canvas import LIGHT, SKY, Point, glow, gradient, shine
from sandbox.palettes import Palette, mix
from sandbox.sizes import Size

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Brief:
    """Hold what a scene is made from."""

    size: Size
    palette: Palette
    rng: random.Random


def up_to(ceiling: int) -> list[int]:
    """Build the table that cuts indexes off at a ceiling."""
    return [min(level, ceiling) for level in range(256)]


def somewhere(brief: Brief) -> Point:
    """Throw a point onto the sheet."""
    width, height = brief.size
    return brief.rng.uniform(0, width), brief.rng.uniform(0, height)


def open_sky(brief: Brief, horizon: float) -> Image.Image:
    """Fill a sheet with a sky that brightens down to its horizon, and a sun in it."""
    rng, (width, height) = brief.rng, brief.size
    sheet = Image.new("L", brief.size, 100)
    sheet.paste(gradient((width, round(height * horizon)), 0, 96))
    sun = (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.18, 0.38))
    draw_sun(sheet, sun, min(brief.size))
    return sheet


def draw_sun(sheet: Image.Image, centre: Point, side: int) -> None:
    """Draw a disc and its halo; `side` is the sheet's shorter side."""
    shine(sheet, glow(round(side * 0.9), lambda far: 46 * (1 - far) ** 2), centre)
    # The disc's rim is a steep slope, not a step, and so needs no smoothing.
    shine(sheet, glow(round(side * 0.16), lambda far: 1300 * (0.92 - far)), centre)


def lamp(strength: float) -> Callable[[float], float]:
    """Return the light of a lamp out of focus: even, with a brighter rim and a soft edge."""
    return lambda far: min(strength * (0.75 + 0.25 * far**6), strength * 14 * (1 - far))


def draw_stars(sheet: Image.Image, rng: random.Random, count: int, depth: float) -> None:
    """Strew stars from the top down to a depth in pixels."""
    draw = ImageDraw.Draw(sheet)
    unit = max(sheet.size) / 1000
    for _ in range(count):
        x, y = rng.uniform(0, sheet.width), rng.uniform(0, depth)
        r = unit * rng.choice((0.4, 0.7, 1))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.choice((SKY - 30, SKY, LIGHT)))


def wooded(line: list[Point], rng: random.Random, height: float) -> list[Point]:
    """Set a row of firs on a line."""
    trees = []
    for (x, y), (after, _) in pairwise(line):
        tall = height * rng.uniform(0.3, 1)
        trees += [(x, y), ((x + after) / 2, y - tall)]
    return [*trees, line[-1]]


def draw_ripples(sheet: Image.Image, middle: float, horizon: int, rng: random.Random) -> None:
    """Strew glints over the water below the horizon, around the light's path."""
    draw = ImageDraw.Draw(sheet)
    depth = sheet.height - horizon
    for _ in range(150):
        near = rng.random() ** 1.5
        y = horizon + 2 + near * depth
        x = rng.gauss(middle, sheet.width * (0.02 + 0.1 * near))
        half = sheet.width * rng.uniform(0.006, 0.03) * (0.3 + near)
        draw.ellipse((x - half, y, x + half, y + 1 + near * 4), fill=rng.randint(SKY - 35, SKY))


def draw_windows(
    draw: ImageDraw.ImageDraw,
    rng: random.Random,
    tower: Box,
    pitch: float,
) -> None:
    """Light some windows of a tower; `pitch` is their distance in pixels."""
    left, top, right, bottom = tower
    for row in range(1, int((bottom - top) / pitch / 1.4)):
        for column in range(1, int((right - left) / pitch)):
            if rng.random() < 0.3:
                x, y = left + column * pitch, top + row * pitch * 1.4
                box = (x - pitch * 0.25, y, x + pitch * 0.2, y + pitch * 0.6)
                draw.rectangle(box, fill=rng.choice((SKY - 20, SKY - 6, LIGHT)))


def draw_planet(sheet: Image.Image, diameter: int, centre: Point) -> None:
    """Set a lit ball on the sheet."""
    left, top = round(centre[0] - diameter / 2), round(centre[1] - diameter / 2)
    side = (diameter, diameter)
    # The light falls from the upper left: a part of a round light, off its centre.
    surface = glow(512, lambda far: 250 * (1 - far) ** 1.1).crop((192, 192, 448, 448))
    mask = glow(diameter, lambda far: 255 * 60 * (0.99 - far))
    sheet.paste(surface.resize(side, Image.Resampling.BILINEAR), (left, top), mask)


def darkened(palette: Palette) -> Palette:
    """Return a palette as it looks at night."""
    sky = tuple(mix(colour, palette.ink, 0.7) for colour in palette.sky)
    return Palette(sky, mix(palette.ink, (0, 0, 0), 0.45))
