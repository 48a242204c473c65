"""Parts of pictures that are well made and say what is not so: sizes, kinds, how they are turned."""

import random
import struct
import zlib
from collections.abc import Callable

from shared import jpeg_file, png_file
from tests.pictures import chunk

Mutate = Callable[[random.Random, bytes], bytes]
NUMBERS = (
    0,
    1,
    2,
    31,
    63,
    64,
    255,
    256,
    511,
    512,
    513,
    16_383,
    16_384,
    50_000,
    65_535,
    2**31 - 1,
    2**32 - 1,
)
KINDS = (
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"tEXt",
    b"zTXt", b"iTXt", b"gAMA", b"cHRM", b"sRGB", b"WHAT", b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM",
    b"ANMF", b"EXIF",
)  # fmt: skip


def flip(rng: random.Random, data: bytes) -> bytes:
    """Return data with some bits turned."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if data else 0):
        changed[somewhere(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def somewhere(rng: random.Random, data: bytes) -> int:
    """Return a place in data, half of the time near its beginning."""
    most = max(1, len(data))
    return rng.randrange(min(64, most)) if rng.random() < 0.5 else rng.randrange(most)


def maker(data: bytes) -> Mutate:
    """Return what forges a part of a file of this format."""
    if data.startswith(png_file.SIGNATURE):
        return _png_chunk
    return _jpeg_segment if data.startswith(jpeg_file.SIGNATURE) else _webp_chunk


def _png_chunk(rng: random.Random, old: bytes) -> bytes:
    """Return a chunk with a right checksum: another size, other metadata, or rubbish."""
    kind, body = old[4:8], old[8:-4]
    choice = rng.randrange(6)
    if choice == 5:
        return chunk(
            rng.choice((b"PLTE", b"tRNS")), rng.randbytes(rng.choice((0, 1, 2, 3, 6, 48, 256, 768)))
        )
    if choice == 0:
        sides = [rng.choice(NUMBERS) for _ in range(2)]
        rest = [rng.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(2)]
        return chunk(b"IHDR", struct.pack(">IIBBBBB", *sides, *rest, 0, 0, rng.randrange(3)))
    if choice == 1:
        return chunk(b"eXIf", _tiff(rng))
    if choice == 2:
        packed = zlib.compress(bytes(rng.choice((0, 10, 100_000, 3_000_000))))
        return chunk(rng.choice((b"IDAT", b"zTXt", b"iCCP")), rng.choice((b"", b"a\0\0")) + packed)
    if choice == 3:
        return chunk(rng.choice(KINDS), body or rng.randbytes(20))
    return chunk(kind, flip(rng, body))


def _jpeg_segment(rng: random.Random, old: bytes) -> bytes:
    """Return a segment of the right length: a frame of another size, other metadata, or rubbish."""
    choice = rng.randrange(4)
    if choice == 0:
        sides = [rng.choice(NUMBERS) & 0xFFFF for _ in range(2)]
        body = struct.pack(">BHHB", rng.choice((8, 8, 12)), *sides, 3) + b"\1\x22\0\2\x11\1\3\x11\1"
        return _segment(rng.choice((0xC0, 0xC2, 0xC3, 0xC9)), body)
    if choice == 1:
        return _segment(0xE1, b"Exif\0\0" + _tiff(rng))
    if choice == 2:
        names = (
            b"ICC_PROFILE\0\1\1",
            b"MPF\0",
            b"Adobe",
            b"JFIF\0",
            b"http://ns.adobe.com/xap/1.0/\0",
        )
        return _segment(rng.choice((0xE0, 0xE2, 0xEE, 0xFE)), rng.choice(names) + rng.randbytes(40))
    return old[:4] + flip(rng, old[4:])


def _segment(marker: int, body: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body


def _webp_chunk(rng: random.Random, old: bytes) -> bytes:
    """Return a chunk of the right length: a header of another size, other metadata, or rubbish."""
    kind, body = old[:4], old[8:]
    choice = rng.randrange(4)
    if choice == 0:
        sides = b"".join((rng.choice(NUMBERS) & 0xFFFFFF).to_bytes(3, "little") for _ in range(2))
        kind, body = b"VP8X", bytes([rng.randrange(64), 0, 0, 0]) + sides
    elif choice == 1:
        kind, body = b"EXIF", rng.choice((b"", b"Exif\0\0")) + _tiff(rng)
    elif choice == 2:
        kind = rng.choice(KINDS)
    else:
        body = flip(rng, body)
    return kind + struct.pack("<I", len(body)) + body


def _tiff(rng: random.Random) -> bytes:
    """Return EXIF that turns a picture, or means to do harm."""
    order = rng.choice("<>")
    start = {"<": b"II*\0", ">": b"MM\0*"}[order]
    offset, entries = rng.choice((8, 8, 8, 0, 2**32 - 1)), rng.choice((1, 1, 2, 65_535))
    entry = (0x0112, rng.choice((3, 3, 4)), rng.choice((1, 1, 2**32 - 1)), rng.randrange(10))
    return start + struct.pack(f"{order}IHHHIHH", offset, entries, *entry, 0)
