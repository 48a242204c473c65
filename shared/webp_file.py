"""The structure of a WebP: chunks in a RIFF file, of which one or more hold pixels."""

import struct
from collections.abc import Iterator

from shared.errors import BrokenImage
from shared.exif import UPRIGHT, orientation
from shared.image_info import ImageInfo, Part, most_parts

_EXTENDED, _LOSSY, _LOSSLESS = b"VP8X", b"VP8 ", b"VP8L"
_ANIMATION = frozenset({b"ANIM", b"ANMF"})
_HAS_EXIF, _IS_ANIMATED = 0x08, 0x02
_LOSSY_START, _LOSSLESS_START = b"\x9d\x01\x2a", 0x2F
Size = tuple[int, int]


def read(data: bytes) -> ImageInfo:
    """Return what a WebP is; raise BrokenImage, or struct.error when it is cut short."""
    canvas: Size | None = None
    size: Size | None = None
    flags, first = 0, True
    kinds: set[bytes] = set()
    turned = UPRIGHT
    for part in chunks(data):
        if first and part.kind not in {_EXTENDED, _LOSSY, _LOSSLESS}:
            raise BrokenImage("The WebP does not begin with its header")
        if first and part.kind == _EXTENDED:
            canvas, flags = _canvas(data, part), data[part.body]
        elif part.kind in {_LOSSY, _LOSSLESS}:
            if size is not None:
                raise BrokenImage("The WebP has two pictures")
            size = _pixels(data, part)
        elif part.kind == b"EXIF" and flags & _HAS_EXIF and part.kind not in kinds:
            turned = orientation(data[part.body : part.end].removeprefix(b"Exif\0\0"))
        kinds.add(part.kind)
        first = False
    animated = bool(flags & _IS_ANIMATED) or not _ANIMATION.isdisjoint(kinds)
    if animated and canvas and b"ANMF" in kinds:
        return ImageInfo("webp", *canvas, turned, animated=True)
    if size is None:
        raise BrokenImage("The WebP has no pixels")
    if canvas and canvas != size:
        raise BrokenImage("The WebP says two sizes")
    return ImageInfo("webp", *size, turned, animated)


def chunks(data: bytes) -> Iterator[Part]:
    """Yield the chunks up to the end that the file says; raise BrokenImage or struct.error."""
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_size
    if end > len(data):
        raise BrokenImage("The image is cut short")
    at = 12
    for _ in most_parts(data):
        if at + 8 > end:
            return
        kind, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        body = at + 8
        if body + length > end:
            raise BrokenImage("The image is cut short")
        yield Part(kind, at, body, body + length)
        at = body + length + (length & 1)
    raise BrokenImage("The WebP has too many parts")


def _canvas(data: bytes, part: Part) -> Size:
    if part.end - part.body < 10:
        raise BrokenImage("The WebP is damaged")
    width = int.from_bytes(data[part.body + 4 : part.body + 7], "little") + 1
    return width, int.from_bytes(data[part.body + 7 : part.body + 10], "little") + 1


def _pixels(data: bytes, part: Part) -> Size:
    """Return the size that stands in the compressed pixels themselves."""
    body, length = part.body, part.end - part.body
    if part.kind == _LOSSLESS:
        if length < 5 or data[body] != _LOSSLESS_START:
            raise BrokenImage("The WebP is damaged")
        (bits,) = struct.unpack_from("<I", data, body + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if length < 10 or data[body] & 1 or data[body + 3 : body + 6] != _LOSSY_START:
        raise BrokenImage("The WebP is damaged")
    if (
        int.from_bytes(data[body : body + 3], "little") >> 5 >= length
    ):  # the first half of the pixels
        raise BrokenImage("The image is cut short")
    width, height = struct.unpack_from("<HH", data, body + 6)
    return width & 0x3FFF, height & 0x3FFF
