"""The structure of a PNG: its chunks, each with a checksum."""

import struct
import zlib
from collections.abc import Iterator

from shared.errors import BrokenImage
from shared.exif import UPRIGHT, orientation
from shared.image_info import ImageInfo, Part, most_parts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_CRITICAL = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_PALETTE = 3
# The bits of a sample that each type of colour may have.
_DEPTHS = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, _PALETTE: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
# What a picture looks like by: the rest tells of it.
_PIXELS = _CRITICAL | {b"tRNS"}
# Pillow refuses a picture for a larger one, or for one that can't be unpacked.
_LARGEST_PROFILE = 1_000_000


def read(data: bytes) -> ImageInfo:
    """Return what a PNG is; raise BrokenImage, or struct.error when it is cut short."""
    width, height, colour = _header(data)
    kinds: list[bytes] = []
    turned: int | None = None
    for part in chunks(data):
        if part.kind == b"eXIf" and turned is None:
            turned = orientation(data[part.body : part.end - 4])
        # pixels come in any number of parts, one behind the other
        if not (part.kind == b"IDAT" and kinds[-1:] == [b"IDAT"]):
            kinds.append(part.kind)
    _check_order(kinds, colour)
    animated = not _ANIMATION.isdisjoint(kinds)
    return ImageInfo("png", width, height, turned or UPRIGHT, animated)


def chunks(data: bytes) -> Iterator[Part]:
    """Yield the chunks up to the end of the picture; raise BrokenImage or struct.error."""
    view = memoryview(data)
    at = len(SIGNATURE)
    for _ in most_parts(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 8 + length
        (crc,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[at + 4 : end]) != crc:
            raise BrokenImage("The PNG is damaged")
        yield Part(kind, at, at + 8, end + 4)
        if kind == b"IEND":
            return
        at = end + 4
    raise BrokenImage("The PNG has too many parts")


def pixels_only(data: bytes) -> bytes:
    """Return a PNG that was read without all that only tells of it; its profile stays if it is sound."""
    depth, colour = data[24], data[25]
    parts = (
        _transparent(data[part.body : part.end - 4], depth, colour)
        if part.kind == b"tRNS"
        else data[part.begin : part.end]
        for part in chunks(data)
        if part.kind in _PIXELS
        or (part.kind == b"iCCP" and _unpacks(data[part.body : part.end - 4]))
    )
    return SIGNATURE + b"".join(parts)


def _transparent(samples: bytes, depth: int, colour: int) -> bytes:
    """Return the chunk that names what is transparent, in the 8 bits of a sample that Pillow keeps.

    Pillow looks for the number as it stands among pixels that it has brought to 8 bits.
    """
    if colour != _PALETTE and depth in {2, 4, 16} and len(samples) % 2 == 0:
        named = struct.unpack(f">{len(samples) // 2}H", samples)
        most = 2**depth - 1
        kept = [sample >> 8 if depth == 16 else (sample & most) * 255 // most for sample in named]
        samples = struct.pack(f">{len(kept)}H", *kept)
    body = b"tRNS" + samples
    return struct.pack(">I", len(samples)) + body + struct.pack(">I", zlib.crc32(body))


def _unpacks(profile: bytes) -> bool:
    _, named, packed = profile.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        unpacker.decompress(packed[1:], _LARGEST_PROFILE)
    except zlib.error:
        return False
    return bool(named) and packed[:1] == b"\0" and unpacker.eof


def _header(data: bytes) -> tuple[int, int, int]:
    """Return width, height and type of colour."""
    length, kind = struct.unpack_from(">I4s", data, len(SIGNATURE))
    if kind != b"IHDR" or length != 13:
        raise BrokenImage("The PNG does not begin with its header")
    width, height, depth, colour, packing, filters, interlaced = struct.unpack_from(
        ">IIBBBBB", data, 16
    )
    known = depth in _DEPTHS.get(colour, ()) and not packing and not filters and interlaced <= 1
    if not known or max(width, height) >= 2**31:
        raise BrokenImage("The PNG has a header that makes no sense")
    return width, height, colour


def _check_order(kinds: list[bytes], colour: int) -> None:
    if b"IDAT" not in kinds:
        raise BrokenImage("The PNG has no pixels")
    before = kinds[: kinds.index(b"IDAT")]
    # one program must not see a picture where another one sees another
    once = all(kinds.count(kind) <= 1 for kind in _CRITICAL)
    known = all(kind in _CRITICAL or kind[:1].islower() for kind in kinds)
    palette = b"PLTE" in before or (b"PLTE" not in kinds and colour != _PALETTE)
    if not (once and known and palette):
        raise BrokenImage("The PNG has parts that make no sense")
