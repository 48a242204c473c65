"""Names of files: told by what the image is of, safe on every system, never outside their folder."""

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from client.cli.faults import UsageFault

_LONGEST = 60
_LONGEST_BYTES = 180
SUFFIXES = {".webp", ".png", ".jpg", ".jpeg"}
# Windows opens devices by these names, whatever comes after a dot.
_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
_FORBIDDEN = set('<>:"/\\|?*')


def slug(text: str, longest: int = 48) -> str:
    """Return words as they may stand in a file's name: "A red fox!" is a-red-fox."""
    letters = [char if char.isalnum() else " " for char in _composed(text).casefold()]
    words = "".join(letters).split()
    short = ""
    for word in words:
        if short and len(short) + 1 + len(word) > longest:
            break
        short = f"{short}-{word}" if short else word[:longest]
    return _bounded(short) or "image"


def fill(template: str, facts: Mapping[str, object]) -> str:
    """Return the stem that a template gives; raise UsageFault when it can't be filled."""
    known = ", ".join(f"{{{name}}}" for name in facts)
    try:
        return safe(template.format_map(facts))
    except KeyError as unknown:
        raise UsageFault(f"--name has no {{{unknown.args[0]}}}; it takes {known}") from None
    except (ValueError, AttributeError, IndexError) as wrong:
        raise UsageFault(f"--name can't be filled: {wrong}; it takes {known}") from None


def safe(text: str) -> str:
    """Return a stem that is one file's name, and nothing else, on Linux, macOS and Windows."""
    clean = "".join("-" if _is_odd(char) else char for char in _composed(text))
    stem = clean[: -len(Path(clean).suffix)] if Path(clean).suffix.lower() in SUFFIXES else clean
    stem = _bounded(stem.strip(" .-")[:_LONGEST]).strip(" .-")
    if stem.split(".")[0].lower() in _DEVICES:
        stem = f"image-{stem}"
    return stem or "image"


def _is_odd(char: str) -> bool:
    return char in _FORBIDDEN or not char.isprintable()


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _bounded(text: str) -> str:
    """Cut a text to what file systems take, between two characters."""
    return text.encode(errors="ignore")[:_LONGEST_BYTES].decode(errors="ignore")
