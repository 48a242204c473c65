"""Compose the scenes that the sandbox paints, each from a size, a palette and a dice."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image, ImageChops, ImageDraw

from sandbox.canvas import (
    LAND,
    LAYERS,
    LIGHT,
    SKY,
    STEPS,
    clouds,
    glow,
    gradient,
    land,
    landscape_colours,
    noise,
    ridge,
    shine,
    swell,
)
from sandbox.palettes import Colour, Palette, mix, ramp
from sandbox.wire import Size


@dataclass(frozen=True)
class Brief:
    """Hold what a scene is made from."""

    size: Size
    palette: Palette
    rng: random.Random


@dataclass(frozen=True)
class Sketch:
    """Hold a sheet of palette indexes and the 256 colours they stand for."""

    sheet: Image.Image
    colours: list[Colour]


def peaks(brief: Brief) -> Sketch:
    """Paint mountains under a low sun."""
    sheet = _sky(brief, horizon=0.66)
    width, height = brief.size
    for layer in range(LAYERS):
        base = height * (0.46 + 0.115 * layer)
        line = ridge(brief.rng, width, base, height * (0.34 - 0.03 * layer), 0.5)
        land(sheet, line, layer, height * 0.45)
    return Sketch(sheet, landscape_colours(brief.palette))


def dunes(brief: Brief) -> Sketch:
    """Paint soft hills, one behind the other."""
    sheet = _sky(brief, horizon=0.6)
    width, height = brief.size
    for layer in range(LAYERS):
        line = swell(brief.rng, width, height * (0.5 + 0.11 * layer), height * 0.09)
        land(sheet, line, layer, height * 0.3)
    return Sketch(sheet, landscape_colours(brief.palette))


def sea(brief: Brief) -> Sketch:
    """Paint water to the horizon, with the light's path on it."""
    rng, (width, height) = brief.rng, brief.size
    horizon = round(height * rng.uniform(0.5, 0.6))
    sheet = gradient(brief.size, 0, SKY)
    sheet.paste(gradient((width, horizon), 5, 100))
    sun = (width * rng.uniform(0.25, 0.75), horizon - height * rng.uniform(0.04, 0.15))
    _sun(sheet, sun, min(brief.size))
    sky = sheet.crop((0, 2 * horizon - height, width, horizon))
    mirrored = sky.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    sheet.paste(mirrored.point([max(0, level - 22) for level in range(256)]), (0, horizon))
    _ripples(sheet, sun[0], horizon, rng)
    island = ridge(rng, width, horizon, height * 0.12, 0.5)
    far = sheet.crop((0, 0, width, horizon))
    land(far, [(x, y + height * 0.02) for x, y in island], 1, height * 0.2)
    sheet.paste(far)
    return Sketch(sheet, landscape_colours(brief.palette))


def aurora(brief: Brief) -> Sketch:
    """Paint northern lights over a dark wood."""
    rng, (width, height) = brief.rng, brief.size
    streaks = noise(rng, (max(24, width // 24), 2), brief.size)
    curtain = clouds(rng, 3, brief.size)
    band = gradient(brief.size, 40, 255)
    light = ImageChops.multiply(ImageChops.multiply(streaks, curtain), band)
    sheet = ImageChops.add(light, gradient(brief.size, 4, 44)).point(_up_to(SKY))
    _stars(sheet, rng, 160, height * 0.6)
    for layer in (3, 4):
        line = ridge(rng, width, height * (0.72 + 0.07 * (layer - 2)), height * 0.12, 0.52)
        land(sheet, _wooded(line, rng, height * 0.035), layer, height * 0.4)
    sky = brief.palette.sky
    night = (mix(brief.palette.ink, (4, 6, 18), 0.6), brief.palette.ink, sky[0], sky[1], sky[3])
    return Sketch(sheet, landscape_colours(_darkened(brief.palette), night))


def silk(brief: Brief) -> Sketch:
    """Paint flowing folds of colour."""
    rng = brief.rng
    slope = gradient(brief.size, 0, 255)
    if rng.random() < 0.5:
        slope = gradient((brief.size[1], brief.size[0]), 0, 255).transpose(
            Image.Transpose.ROTATE_90
        )
    folds = Image.blend(slope, clouds(rng, 3, brief.size, rough=0.0), 0.55)
    sky = brief.palette.sky
    stops = (sky[0], sky[1], sky[2], sky[3], sky[2], sky[1], brief.palette.ink, sky[0], sky[2])
    waves = ramp((*stops, sky[4], sky[2], sky[0]), 256)
    return Sketch(folds, waves)


def bokeh(brief: Brief) -> Sketch:
    """Paint lights out of focus."""
    rng = brief.rng
    sheet = gradient(brief.size, 55, 8)
    shine(sheet, glow(max(brief.size), lambda far: 60 * (1 - far)), _somewhere(brief), LIGHT)
    for _ in range(26):
        strength = rng.uniform(14, 58)
        diameter = round(min(brief.size) * rng.uniform(0.06, 0.24))
        shine(sheet, glow(diameter, _disc(strength)), _somewhere(brief), LIGHT)
    sky = brief.palette.sky
    return Sketch(sheet, ramp((mix(brief.palette.ink, (0, 0, 0), 0.3), *sky), 256))


def city(brief: Brief) -> Sketch:
    """Paint towers with lit windows against the evening."""
    sheet = _sky(brief, horizon=0.8)
    rng, (width, height) = brief.rng, brief.size
    draw = ImageDraw.Draw(sheet)
    for layer in range(1, LAYERS):
        left = -width * rng.uniform(0, 0.05)
        while left < width:
            tower = width * rng.uniform(0.035, 0.1)
            top = height * (0.36 + 0.1 * layer + rng.uniform(-0.14, 0.1))
            level = LAND + layer * STEPS
            draw.rectangle((left, top, left + tower, height), fill=level)
            if layer > 1:
                _windows(draw, rng, (left, top, left + tower, height), width / 110)
            left += tower + width * rng.uniform(0, 0.02)
    return Sketch(sheet, landscape_colours(brief.palette))


def space(brief: Brief) -> Sketch:
    """Paint a planet before a nebula."""
    rng, (width, height) = brief.rng, brief.size
    sheet = clouds(rng, 3, brief.size).point([round((n / 255) ** 2 * 150) for n in range(256)])
    _stars(sheet, rng, 260, height)
    diameter = round(min(brief.size) * rng.uniform(0.35, 0.55))
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.55))
    shine(sheet, glow(round(diameter * 1.5), lambda far: 70 * (1 - far) ** 2), centre, LIGHT)
    _planet(sheet, diameter, centre)
    sky = brief.palette.sky
    dark = mix(brief.palette.ink, (2, 3, 12), 0.75)
    return Sketch(sheet, ramp((dark, brief.palette.ink, *sky), 256))


def _up_to(ceiling: int) -> list[int]:
    return [min(level, ceiling) for level in range(256)]


def _somewhere(brief: Brief) -> tuple[float, float]:
    width, height = brief.size
    return brief.rng.uniform(0, width), brief.rng.uniform(0, height)


def _sky(brief: Brief, horizon: float) -> Image.Image:
    """Fill a sheet with a sky that brightens down to its horizon, and a sun in it."""
    rng, (width, height) = brief.rng, brief.size
    sheet = Image.new("L", brief.size, 100)
    sheet.paste(gradient((width, round(height * horizon)), 0, 96))
    sun = (width * rng.uniform(0.2, 0.8), height * rng.uniform(0.18, 0.38))
    _sun(sheet, sun, min(brief.size))
    return sheet


def _sun(sheet: Image.Image, centre: tuple[float, float], side: int) -> None:
    shine(sheet, glow(round(side * 0.9), lambda far: 46 * (1 - far) ** 2), centre)
    # The disc's rim is a steep slope, not a step, and so needs no smoothing.
    shine(sheet, glow(round(side * 0.16), lambda far: 1300 * (0.92 - far)), centre)


def _disc(strength: float) -> Callable[[float], float]:
    """Return the light of a lamp out of focus: even, with a brighter rim and a soft edge."""
    return lambda far: min(strength * (0.75 + 0.25 * far**6), strength * 14 * (1 - far))


def _stars(sheet: Image.Image, rng: random.Random, count: int, depth: float) -> None:
    draw = ImageDraw.Draw(sheet)
    unit = max(sheet.size) / 1000
    for _ in range(count):
        x, y, r = (
            rng.uniform(0, sheet.width),
            rng.uniform(0, depth),
            unit * rng.choice((0.4, 0.7, 1)),
        )
        draw.ellipse((x - r, y - r, x + r, y + r), fill=rng.choice((SKY - 30, SKY, LIGHT)))


def _wooded(
    line: list[tuple[float, float]], rng: random.Random, height: float
) -> list[tuple[float, float]]:
    """Set a row of firs on a line."""
    trees = []
    for (x, y), (after, _) in pairwise(line):
        tall = height * rng.uniform(0.3, 1)
        trees += [(x, y), ((x + after) / 2, y - tall)]
    return [*trees, line[-1]]


def _ripples(sheet: Image.Image, middle: float, horizon: int, rng: random.Random) -> None:
    draw = ImageDraw.Draw(sheet)
    depth = sheet.height - horizon
    for _ in range(150):
        near = rng.random() ** 1.5
        y = horizon + 2 + near * depth
        x = rng.gauss(middle, sheet.width * (0.02 + 0.1 * near))
        half = sheet.width * rng.uniform(0.006, 0.03) * (0.3 + near)
        draw.ellipse((x - half, y, x + half, y + 1 + near * 4), fill=rng.randint(SKY - 35, SKY))


def _windows(
    draw: ImageDraw.ImageDraw,
    rng: random.Random,
    tower: tuple[float, float, float, float],
    pitch: float,
) -> None:
    left, top, right, bottom = tower
    for row in range(1, int((bottom - top) / pitch / 1.4)):
        for column in range(1, int((right - left) / pitch)):
            if rng.random() < 0.3:
                x, y = left + column * pitch, top + row * pitch * 1.4
                box = (x - pitch * 0.25, y, x + pitch * 0.2, y + pitch * 0.6)
                draw.rectangle(box, fill=rng.choice((SKY - 20, SKY - 6, LIGHT)))


def _planet(sheet: Image.Image, diameter: int, centre: tuple[float, float]) -> None:
    left, top = round(centre[0] - diameter / 2), round(centre[1] - diameter / 2)
    side = (diameter, diameter)
    # The light falls from the upper left: a part of a round light, off its centre.
    surface = glow(512, lambda far: 250 * (1 - far) ** 1.1).crop((192, 192, 448, 448))
    mask = glow(diameter, lambda far: 255 * 60 * (0.99 - far))
    sheet.paste(surface.resize(side, Image.Resampling.BILINEAR), (left, top), mask)


def _darkened(palette: Palette) -> Palette:
    sky = tuple(mix(colour, palette.ink, 0.7) for colour in palette.sky)
    return Palette(sky, mix(palette.ink, (0, 0, 0), 0.45))


Scene = Callable[[Brief], Sketch]

SCENES: tuple[Scene, ...] = (peaks, dunes, sea, aurora, silk, bokeh, city, space)

# Words that choose a scene, so that what is shown in a demo fits what was asked for.
HINTS: dict[Scene, tuple[str, ...]] = {
    peaks: ("mountain", "alps", "volcano", "peak", "valley", "snow"),
    dunes: ("desert", "hill", "field", "meadow", "farm", "dune", "road"),
    sea: ("sea", "ocean", "lake", "beach", "ship", "boat", "island", "water", "fish", "river"),
    aurora: ("aurora", "forest", "night", "wolf", "tree", "owl", "winter"),
    city: ("city", "street", "tower", "building", "car", "skyscraper", "house", "robot"),
    space: ("space", "planet", "moon", "galaxy", "astronaut", "rocket", "star", "alien"),
}


def choose(prompt: str, rng: random.Random) -> Scene:
    """Return the scene that a word of the prompt hints at, else one by the dice."""
    words = set(prompt.lower().replace(",", " ").replace(".", " ").split())
    fallback = rng.choice(SCENES)
    return next((scene for scene, hints in HINTS.items() if words.intersection(hints)), fallback)
