"""Write on a picture: the prompt along its foot and the mark that says it is no real one."""

import unicodedata
from functools import cache, lru_cache

from PIL import Image, ImageDraw, ImageFont

from sandbox.canvas import gradient

_WHITE = (250, 250, 250)
_BLACK = (8, 8, 14)
_LONGEST = 600
_ELLIPSIS = "\u2026"
_UNKNOWN = "\u00b7"
_PLAIN = {"\u2013": "-", "\u2014": "-", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"'}

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def sign(picture: Image.Image, mark: str) -> None:
    """Put the word SANDBOX and a few more into the upper left corner."""
    unit = max(9.0, min(picture.size) / 64)
    font = load_font(round(unit * 1.35))
    text = f"SANDBOX {_UNKNOWN} {_readable(mark)}"
    width = font.getlength(text) + unit * 2
    box = (round(unit), round(unit), round(unit + width), round(unit * 3.6))
    box = (box[0], box[1], min(box[2], picture.width), min(box[3], picture.height))
    picture.paste(_BLACK, box, Image.new("L", (box[2] - box[0], box[3] - box[1]), 150))
    ImageDraw.Draw(picture).text(
        (unit * 2, (box[1] + box[3]) / 2), text, fill=_WHITE, font=font, anchor="lm"
    )


def caption(picture: Image.Image, prompt: str) -> None:
    """Write the prompt along the foot, in as many lines as look well, on a darkened strip."""
    width, height = picture.size
    size = max(13, round((width * height) ** 0.5 / 44))
    margin, pitch = round(size * 1.2), round(size * 1.35)
    font = load_font(size)
    lines = wrap(_readable(prompt), font, width - 2 * margin, 3 if width < height else 2)
    top = height - margin * 2 - pitch * len(lines)
    strip = (0, max(0, top - margin), width, height)
    shade = gradient((width, height - strip[1]), 0, 255)
    picture.paste(_BLACK, strip, shade.point([min(215, round(n * 1.9)) for n in range(256)]))
    draw = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        middle = height - margin - pitch * (len(lines) - number - 0.5)
        draw.text((margin, middle), line, fill=_WHITE, font=font, anchor="lm")


def wrap(text: str, font: Font, width: float, most: int) -> list[str]:
    """Break a text into at most so many lines of a width in pixels, the last with an ellipsis."""
    lines: list[str] = []
    rest = text
    while rest and len(lines) < most:
        last = len(lines) == most - 1
        line = _fitting(rest, font, width)
        if last and len(line) < len(rest):
            line = _shortened(rest, font, width)
        lines.append(line.strip())
        rest = rest[len(line) :].lstrip()
    return lines


def _fitting(text: str, font: Font, width: float) -> str:
    """Return the longest beginning that fits, whole words if there are any."""
    end = _fitting_length(text, font, width)
    if end == len(text):
        return text
    space = text.rfind(" ", 0, end + 1)
    return text[:space] if space > 0 else text[: max(1, end)]


def _shortened(text: str, font: Font, width: float) -> str:
    end = _fitting_length(text, font, width - font.getlength(_ELLIPSIS))
    return text[:end].rstrip(" ,.;:") + _ELLIPSIS


def _fitting_length(text: str, font: Font, width: float) -> int:
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle]) <= width:
            low = middle
        else:
            high = middle - 1
    return low


def _readable(text: str) -> str:
    """Return a text on one line in which every character can be drawn."""
    line = " ".join(text[:_LONGEST].split())
    return "".join(map(drawable, line))


@lru_cache(maxsize=4096)
def _has_glyph(letter: str) -> bool:
    if letter.isascii():
        return letter.isprintable()
    # The built-in font draws one and the same box for whatever it does not know.
    return bytes(load_font(16).getmask(letter)) != bytes(load_font(16).getmask("\uffff"))


def drawable(letter: str) -> str:
    """Return a letter as the font can draw it: itself, without its accent, or a dot."""
    letter = _PLAIN.get(letter, letter)
    if _has_glyph(letter):
        return letter
    bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode()
    return bare if bare and bare.isprintable() else _UNKNOWN


@cache
def load_font(size: int) -> Font:
    """Return Pillow's own font in a height of so many pixels."""
    return ImageFont.load_default(size)
