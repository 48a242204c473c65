"""Choose colours: harmonious sets, and what a style preset does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """Hold a set of colours: a sky from its height to its light, and the ink of what is near."""

    sky: tuple[Colour, ...]
    ink: Colour
    light: Colour = (255, 250, 235)


@dataclass(frozen=True)
class Grade:
    """Describe what a style does: 1.0 leaves alone; `bands` flattens, `blocks` makes pixels big."""

    saturation: float = 1.0
    contrast: float = 1.0
    tint: Colour = (128, 128, 128)
    tint_share: float = 0.0
    bands: int = 0
    blocks: int = 0


def _hex(text: str) -> Colour:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def _palette(*codes: str) -> Palette:
    *sky, ink = map(_hex, codes)
    return Palette(tuple(sky), ink)


PALETTES = (
    _palette("3b5b92", "8a86b8", "e8a598", "fbd3a2", "fff3d6", "1f2440"),  # dawn
    _palette("2b2250", "6d3b7d", "d1567a", "f99f6d", "ffe3a8", "1a1230"),  # dusk
    _palette("7fb7d6", "a9d3e0", "d9ecdf", "fdf0c8", "fffaf0", "1d4a4f"),  # morning by the lake
    _palette("0f4c5c", "2a8c8c", "7cc6a4", "e3e7a6", "fffbe0", "08262e"),  # lagoon
    _palette("5d4b8c", "9a7fc0", "d5b3dc", "f7d8d9", "fff6ee", "2b2148"),  # lavender
    _palette("7a2e2e", "c4552d", "ee9a3a", "fbd36b", "fff4cf", "331517"),  # ember
    _palette("345c43", "739a5c", "b9c77d", "efe3a4", "fffbe2", "142b22"),  # moss
    _palette("22324f", "41688f", "86b0c9", "cfe3e8", "ffffff", "101a2c"),  # arctic
    _palette("994f6d", "d47f8c", "f2b1a6", "fbdcc4", "fff7ea", "40213a"),  # rose
    _palette("1f3a5f", "3f7cac", "95c6cf", "f4d8a8", "fff5dc", "13233a"),  # coast
)

GRADES: dict[str, Grade] = {
    "3d-model": Grade(saturation=0.85, contrast=1.1, tint=(150, 165, 190), tint_share=0.15),
    "analog-film": Grade(saturation=0.75, contrast=0.85, tint=(190, 150, 105), tint_share=0.22),
    "anime": Grade(saturation=1.5, contrast=1.1, tint=(120, 190, 255), tint_share=0.12, bands=24),
    "cinematic": Grade(saturation=0.9, contrast=1.25, tint=(20, 90, 110), tint_share=0.25),
    "comic-book": Grade(saturation=1.6, contrast=1.35, bands=9),
    "digital-art": Grade(saturation=1.35, contrast=1.15),
    "enhance": Grade(saturation=1.15, contrast=1.1),
    "fantasy-art": Grade(saturation=1.3, tint=(150, 70, 200), tint_share=0.28),
    "isometric": Grade(tint=(120, 200, 190), tint_share=0.25, bands=12),
    "line-art": Grade(saturation=0.0, contrast=1.3, tint=(240, 236, 226), tint_share=0.35, bands=8),
    "low-poly": Grade(saturation=1.15, bands=10),
    "modeling-compound": Grade(saturation=1.25, contrast=0.8, tint=(255, 190, 160), tint_share=0.2),
    "neon-punk": Grade(saturation=1.7, contrast=1.4, tint=(110, 20, 170), tint_share=0.3),
    "origami": Grade(saturation=0.9, tint=(250, 235, 215), tint_share=0.3, bands=11),
    "photographic": Grade(saturation=0.95, contrast=1.05),
    "pixel-art": Grade(saturation=1.4, contrast=1.15, bands=18, blocks=96),
    "tile-texture": Grade(saturation=0.8, tint=(175, 120, 80), tint_share=0.3, bands=14),
}


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; a share of 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def ramp(stops: Sequence[Colour], length: int) -> list[Colour]:
    """Spread colours evenly over so many steps."""
    colours = []
    for step in range(length):
        at = step * (len(stops) - 1) / (length - 1)
        index = min(int(at), len(stops) - 2)
        colours.append(mix(stops[index], stops[index + 1], at - index))
    return colours


def graded(colour: Colour, grade: Grade) -> Colour:
    """Return a colour as a style shows it."""
    grey = round(0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2])
    colour = mix(colour, grade.tint, grade.tint_share)
    red, green, blue = (
        max(
            0,
            min(255, round(128 + (grey + (part - grey) * grade.saturation - 128) * grade.contrast)),
        )
        for part in colour
    )
    return red, green, blue
