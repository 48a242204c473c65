"""Files that nobody would make: real pictures with bits turned, parts moved, and lies told."""

import base64
import io
import json
import random
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from PIL import Image

from shared import jpeg_file, png_file, webp_file
from shared.errors import BrokenImage
from shared.image_info import Part
from tests.e2e.stack import ROOT
from tests.fuzz.forgeries import KINDS, NUMBERS, Mutate, flip, maker, somewhere
from tests.pictures import (
    animated,
    corners,
    foreign_profile,
    laden,
    picture,
    saved,
    several_in_one,
    turned,
)

_PHOTOS = ROOT.parent / "shared" / "data" / "photos"
_FORMS = ("png", "jpeg", "webp")
_SIGNATURES = (
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x40\0\0\0WEBPVP8 ", b"RIFF\x40\0\0\0WEBPVP8X",
    b"RIFF\x40\0\0\0WEBPVP8L", b"GIF89a", b"<svg>", b"PK\x03\x04", b"\0\0\0\x18ftypheic", b"II*\0",
    b"BM",
)  # fmt: skip


def real_pictures() -> list[bytes]:
    """Return photographs when there are some, and drawn pictures with all that a file may have."""
    drawn = [corners(), corners(96, 40, "RGBA"), Image.effect_noise((80, 64), 60).convert("RGB")]
    photos = [_small(path) for path in sorted(_PHOTOS.glob("*.*"))] if _PHOTOS.is_dir() else []
    files = [saved(image, form) for image in (*drawn[:1], *drawn[2:], *photos) for form in _FORMS]
    files += [saved(image, "jpeg", progressive=True) for image in photos or drawn[:1]]
    files += [saved(drawn[1], form, lossless=True) for form in ("png", "webp")]
    files += [saved(corners(mode=mode), "png") for mode in ("1", "L", "LA", "P")]
    files += [saved(corners(mode="P"), "png", transparency=bytes(range(200)))]
    files += [saved(corners(mode=mode), "png", transparency=0) for mode in ("L", "P", "1")]
    files += [saved(corners(mode="I;16"), "png"), saved(corners(), "png", transparency=(0, 128, 0))]
    files += [saved(corners(mode=mode), "jpeg") for mode in ("L", "CMYK")]
    files += [laden(form) for form in _FORMS] + [turned(form, 6) for form in _FORMS]
    files += [saved(corners(), form, icc_profile=foreign_profile()) for form in _FORMS]
    files += [animated("png"), animated("webp"), several_in_one(), picture(512, 512, "jpeg")]
    return files


def _small(path: Path) -> Image.Image:
    with Image.open(path) as image:
        image.thumbnail((160, 160))
        return image.convert("RGB")


def mutant(rng: random.Random, pictures: list[bytes]) -> bytes:
    """Return a picture with one to three things wrong with it; one of twenty stays as it was."""
    data = rng.choice(pictures)
    if rng.random() < 0.05:
        return data
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        data = rng.choice(_MUTATIONS)(rng, data)
    return data + rng.choice(pictures) if rng.random() < 0.03 else data


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _lose(rng: random.Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 4, 40, 400)) :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = somewhere(rng, data)
    return data[:at] + _stuff(rng) + data[at:]


def _overwrite(rng: random.Random, data: bytes) -> bytes:
    at, stuff = somewhere(rng, data), _stuff(rng)
    return data[:at] + stuff + data[at + len(stuff) :]


def _splice(rng: random.Random, data: bytes) -> bytes:
    other = saved(corners(), rng.choice((*_FORMS, "gif", "bmp", "tiff")))
    return data[: somewhere(rng, data)] + other[somewhere(rng, other) :]


def _disguise(rng: random.Random, data: bytes) -> bytes:
    return rng.choice(_SIGNATURES) + data[rng.choice((0, 3, 8, 12, 20)) :]


def _stuff(rng: random.Random) -> bytes:
    number = rng.choice(NUMBERS)
    return rng.choice(
        (
            rng.randbytes(rng.choice((1, 2, 4, 30))),
            struct.pack(">I", number),
            struct.pack("<I", number),
            struct.pack(">H", number & 0xFFFF),
            b"\xff" * rng.choice((1, 2, 500)),
            bytes(rng.choice((1, 4, 500))),
            b"\xff" + bytes([rng.randrange(256)]),
            rng.choice(KINDS),
        )
    )


def _rearrange(rng: random.Random, data: bytes) -> bytes:
    """Move, repeat, drop, add or change a part, and make everything around it fit."""
    if data.startswith(png_file.SIGNATURE):
        start, walk = data[:8], png_file.chunks(data)
    elif data.startswith(jpeg_file.SIGNATURE):
        start, walk = data[:2], jpeg_file.segments(data)
    elif data[8:12] == b"WEBP":
        start, walk = data[:12], webp_file.chunks(data)
    else:
        return flip(rng, data)
    parts = _parts(walk)
    bodies = [data[part.begin : part.end] for part in parts]
    if not bodies:
        return flip(rng, data)
    _shuffle(rng, bodies, maker(data))
    if data.startswith(jpeg_file.SIGNATURE):
        bodies.append(b"\xff\xd9")
    whole = start + b"".join(bodies)
    if data[:4] == b"RIFF" and rng.random() < 0.9:
        padded = start + b"".join(body + bytes(len(body) & 1) for body in bodies)
        return b"RIFF" + struct.pack("<I", len(padded) - 8) + padded[8:]
    return whole


def _parts(walk: Iterator[Part]) -> list[Part]:
    parts: list[Part] = []
    with suppress(BrokenImage, struct.error, IndexError):
        parts.extend(walk)
    return parts


def _shuffle(rng: random.Random, bodies: list[bytes], make: Mutate) -> None:
    at, other = rng.randrange(len(bodies)), rng.randrange(len(bodies))
    deed = rng.randrange(6)
    if deed == 0:
        bodies[at], bodies[other] = bodies[other], bodies[at]
    elif deed == 1:
        bodies.insert(at, bodies[other])
    elif deed == 2:
        bodies[at:other] = bodies[at:other] * rng.choice((2, 3, 30))
    elif deed == 3:
        del bodies[at]
    elif deed == 4:
        bodies.insert(at, make(rng, rng.choice(bodies)))
    else:
        bodies[at] = make(rng, bodies[at])


_MUTATIONS: tuple[Mutate, ...] = (
    *(flip, flip, _cut, _lose, _insert, _overwrite, _splice, _disguise),
    *[_rearrange] * 4,
)


def request_with(rng: random.Random, data: bytes) -> tuple[str, bytes, str]:
    """Return path, body and type of a request that holds a file; some are not as they should be."""
    if rng.random() < 0.15:
        link = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        body = json.dumps({"image_url": link, "output_format": "png"}).encode()
        return "/upscale_image", _harmed(rng, body), "application/json"
    path = rng.choice((*["/upscale_image"] * 4, "/batches", "/generate_image"))
    boundary = rng.choice(("b", "x" * 70, "a'()+_,-./:=?b"))
    body, kind = _form(rng, data, boundary), f'multipart/form-data; boundary="{boundary}"'
    if rng.random() < 0.05:
        kind = rng.choice(
            ("multipart/form-data", "multipart/mixed; boundary=b", f"{kind}; charset=x")
        )
    return path, _harmed(rng, body), kind


def _harmed(rng: random.Random, body: bytes) -> bytes:
    if rng.random() > 0.3:
        return body
    return rng.choice((flip, _cut, _lose, _insert))(rng, body)


def _form(rng: random.Random, data: bytes, boundary: str) -> bytes:
    odd = ("", "../../etc/passwd", 'a"b', "a\\b", "x" * 3_000, "ä\r\nX: y")
    name = rng.choice((*["a.png"] * 12, *odd))
    out = io.BytesIO()
    for field in ["image"] * rng.choice((1, 1, 1, 1, 1, 1, 1, 2)) + ["mode"] * rng.randrange(2):
        told = f'; filename="{name}"' if field == "image" else ""
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"{told}\r\n'
        out.write(head.encode())
        if rng.random() < 0.5:
            of = rng.choice((b"image/png", b"text/html", b"\xff"))
            out.write(b"Content-Type: " + of + b"\r\n")
        out.write(b"\r\n" + (data if field == "image" else b"fast") + b"\r\n")
    out.write(f"--{boundary}--\r\n".encode())
    return out.getvalue()
