"""Compose the scenes that the sandbox paints, each from a size, a palette and a dice."""

import random
from collections.abc import Callable
from dataclasses import dataclass

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
from sandbox.details import (
    Brief,
    darkened,
    draw_planet,
    draw_ripples,
    draw_stars,
    draw_sun,
    draw_windows,
    lamp,
    open_sky,
    somewhere,
    up_to,
    wooded,
)
from sandbox.palettes import Colour, mix, ramp


@dataclass(frozen=True)
class Sketch:
    """Hold a sheet of palette indexes and the 256 colours they stand for."""

    sheet: Image.Image
    colours: list[Colour]


def peaks(brief: Brief) -> Sketch:
    """Paint mountains under a low sun."""
    sheet = open_sky(brief, horizon=0.66)
    width, height = brief.size
    for layer in range(LAYERS):
        base = height * (0.46 + 0.115 * layer)
        line = ridge(brief.rng, width, base, height * (0.34 - 0.03 * layer), 0.5)
        land(sheet, line, layer, height * 0.45)
    return Sketch(sheet, landscape_colours(brief.palette))


def dunes(brief: Brief) -> Sketch:
    """Paint soft hills, one behind the other."""
    sheet = open_sky(brief, horizon=0.6)
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
    draw_sun(sheet, sun, min(brief.size))
    sky = sheet.crop((0, 2 * horizon - height, width, horizon))
    mirrored = sky.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    sheet.paste(mirrored.point([max(0, level - 22) for level in range(256)]), (0, horizon))
    draw_ripples(sheet, sun[0], horizon, rng)
    island = ridge(rng, width, horizon, height * 0.12, 0.5)
    far = sheet.crop((0, 0, width, horizon))
    land(far, [(x, y + height * 0.02) for x, y in island], 1, height * 0.2)
    sheet.paste(far)
    return Sketch(sheet, landscape_colours(brief.palette))


def aurora(brief: Brief) -> Sketch:
    """Paint northern lights over a dark wood."""
    rng, (width, height) = brief.rng, brief.size
    streaks = noise(rng, (max(24, width // 24), 2), (width, 2))
    streaks = streaks.resize(brief.size, Image.Resampling.BILINEAR)
    curtain = clouds(rng, 3, brief.size)
    band = gradient(brief.size, 40, 255)
    light = ImageChops.multiply(ImageChops.multiply(streaks, curtain), band)
    sheet = ImageChops.add(light, gradient(brief.size, 4, 44)).point(up_to(SKY))
    draw_stars(sheet, rng, 160, height * 0.6)
    for layer in (3, 4):
        line = ridge(rng, width, height * (0.72 + 0.07 * (layer - 2)), height * 0.12, 0.52)
        land(sheet, wooded(line, rng, height * 0.035), layer, height * 0.4)
    sky = brief.palette.sky
    night = (mix(brief.palette.ink, (4, 6, 18), 0.6), brief.palette.ink, sky[0], sky[1], sky[3])
    return Sketch(sheet, landscape_colours(darkened(brief.palette), night))


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
    shine(sheet, glow(max(brief.size), lambda far: 60 * (1 - far)), somewhere(brief), LIGHT)
    for _ in range(26):
        strength = rng.uniform(14, 58)
        diameter = round(min(brief.size) * rng.uniform(0.06, 0.24))
        shine(sheet, glow(diameter, lamp(strength)), somewhere(brief), LIGHT)
    sky = brief.palette.sky
    return Sketch(sheet, ramp((mix(brief.palette.ink, (0, 0, 0), 0.3), *sky), 256))


def city(brief: Brief) -> Sketch:
    """Paint towers with lit windows against the evening."""
    sheet = open_sky(brief, horizon=0.8)
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
                draw_windows(draw, rng, (left, top, left + tower, height), width / 110)
            left += tower + width * rng.uniform(0, 0.02)
    return Sketch(sheet, landscape_colours(brief.palette))


def space(brief: Brief) -> Sketch:
    """Paint a planet before a nebula."""
    rng, (width, height) = brief.rng, brief.size
    sheet = clouds(rng, 3, brief.size).point([round((n / 255) ** 2 * 150) for n in range(256)])
    draw_stars(sheet, rng, 260, height)
    diameter = round(min(brief.size) * rng.uniform(0.35, 0.55))
    centre = (width * rng.uniform(0.3, 0.7), height * rng.uniform(0.3, 0.55))
    shine(sheet, glow(round(diameter * 1.5), lambda far: 70 * (1 - far) ** 2), centre, LIGHT)
    draw_planet(sheet, diameter, centre)
    sky = brief.palette.sky
    dark = mix(brief.palette.ink, (2, 3, 12), 0.75)
    return Sketch(sheet, ramp((dark, brief.palette.ink, *sky), 256))


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
