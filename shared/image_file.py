"""Tell whether bytes are a whole PNG, JPEG or WebP, and how large, without decoding a pixel.

Decoding a 1536 x 1536 picture only to see that it is whole costs tens of milliseconds and
megabytes; walking its structure (PNG chunks and CRCs, JPEG markers, RIFF lengths) next to nothing.
"""

import re
import struct
import zlib
from dataclasses import dataclass

from shared.errors import BrokenImage

EXTENSIONS = {"webp": "webp", "png": "png", "jpeg": "jpg"}
CONTENT_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the C4, C8, CC are tables
_FILL = re.compile(rb"\xff+")
# In compressed data ff is followed by 00 (a stuffed byte) or d0 to d7 (a restart).
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn carry no length


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header says: `format` is "png", "jpeg" or "webp"; width and height in pixels."""

    format: str
    width: int
    height: int


def inspect(data: bytes) -> ImageInfo:
    """Return format and size of a whole image; raise BrokenImage on anything else."""
    try:
        info = _walk(data)
    except (struct.error, IndexError) as error:
        raise BrokenImage("The image is cut short") from error
    if not info.width or not info.height:
        raise BrokenImage("The image has no pixels")
    return info


def _most_parts(data: bytes) -> range:
    """Count the parts that a file of this size may have.

    Real ones have tens, animations thousands, large pictures one each few KB. Millions of empty ones
    would keep a web process, and all who wait in it, busy for seconds.
    """
    return range(max(10_000, len(data) // 1_024))


def _walk(data: bytes) -> ImageInfo:
    if data.startswith(_PNG):
        return _png(data)
    if data.startswith(_JPEG):
        return _jpeg(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _webp(data)
    raise BrokenImage("The file is not a PNG, JPEG or WebP image")


def _png(data: bytes) -> ImageInfo:
    if data[12:16] != b"IHDR":
        raise BrokenImage("The PNG does not begin with its header")
    width, height = struct.unpack_from(">II", data, 16)
    view = memoryview(data)
    at, pixels = len(_PNG), False
    for _ in _most_parts(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, end = data[at + 4 : at + 8], at + 8 + length
        (crc,) = struct.unpack_from(">I", data, end)
        if zlib.crc32(view[at + 4 : end]) != crc:
            raise BrokenImage("The PNG is damaged")
        pixels = pixels or kind == b"IDAT"
        if kind == b"IEND":
            break
        at = end + 4
    else:
        raise BrokenImage("The PNG has too many parts")
    if not pixels:
        raise BrokenImage("The PNG has no pixels")
    return ImageInfo("png", width, height)


def _jpeg(data: bytes) -> ImageInfo:
    size: tuple[int, int] | None = None
    at, pixels = 2, False
    for _ in _most_parts(data):
        at, marker = _next_marker(data, at)
        if marker == 0xD9:
            break
        if marker in _BARE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if marker in _SOF_MARKERS and size is None:
            height, width = struct.unpack_from(">HH", data, at + 3)
            size = (width, height)
        at += length
        if marker == 0xDA:
            at, pixels = _skip_scan(data, at), True
    else:
        raise BrokenImage("The JPEG has too many parts")
    if size is None:
        raise BrokenImage("The JPEG has no frame")
    if not pixels:
        raise BrokenImage("The JPEG has no pixels")
    return ImageInfo("jpeg", *size)


def _next_marker(data: bytes, at: int) -> tuple[int, int]:
    fill = _FILL.match(data, at)  # any number of fill bytes may stand before a marker
    if fill is None:
        raise BrokenImage("The JPEG is damaged" if at < len(data) else "The image is cut short")
    return fill.end() + 1, data[fill.end()]


def _skip_scan(data: bytes, at: int) -> int:
    """Return where the next marker after compressed data begins."""
    marker = _AFTER_SCAN.search(data, at)
    if marker is None:
        raise BrokenImage("The image is cut short")
    return marker.start()


def _webp(data: bytes) -> ImageInfo:
    (riff_size,) = struct.unpack_from("<I", data, 4)
    end = 8 + riff_size
    if end > len(data):
        raise BrokenImage("The image is cut short")
    at, size, pixels = 12, None, False
    for _ in _most_parts(data):
        if at + 8 > end:
            break
        kind, (length,) = data[at : at + 4], struct.unpack_from("<I", data, at + 4)
        body = at + 8
        if body + length > end:
            raise BrokenImage("The image is cut short")
        if size is None:
            size = _webp_size(kind, data, body)
        pixels = pixels or kind in {b"VP8 ", b"VP8L", b"ANMF"}
        at = body + length + (length & 1)
    else:
        raise BrokenImage("The WebP has too many parts")
    if size is None or not pixels:
        raise BrokenImage("The WebP has no pixels")
    return ImageInfo("webp", *size)


def _webp_size(kind: bytes, data: bytes, at: int) -> tuple[int, int] | None:
    if kind == b"VP8X":
        width = int.from_bytes(data[at + 4 : at + 7], "little") + 1
        return width, int.from_bytes(data[at + 7 : at + 10], "little") + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, at + 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, at + 6)
        return width & 0x3FFF, height & 0x3FFF
    return None
