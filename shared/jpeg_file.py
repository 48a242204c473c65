"""The structure of a JPEG: segments that begin with markers, and compressed data between them."""

import re
import struct
from collections.abc import Iterator

from shared.errors import BrokenImage
from shared.exif import UPRIGHT, orientation
from shared.image_info import ImageInfo, Part, most_parts

SIGNATURE = b"\xff\xd8\xff"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # the C4, C8, CC are tables
# The others are lossless or of several resolutions, which hardly a program decodes.
_COMMON_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})
_FILL = re.compile(rb"\xff+")
# In compressed data ff is followed by 00 (a stuffed byte) or d0 to d7 (a restart).
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})  # TEM and RSTn carry no length
_SCAN, _END = 0xDA, 0xD9
# A progressive one has about ten; whoever decodes it goes over the whole picture for each.
_MOST_SCANS = 100
_EXIF = b"Exif\0\0"
# Two of them say what the numbers of a pixel are, one what colours these are; the rest is told besides.
_NEEDED = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}


def read(data: bytes) -> ImageInfo:
    """Return what a JPEG is; raise BrokenImage, or struct.error when it is cut short."""
    size: tuple[int, int] | None = None
    turned: int | None = None
    scans = 0
    for part in segments(data):
        marker = part.kind[0]
        if marker in _FRAMES:
            if size is not None:
                raise BrokenImage("The JPEG has two frames")
            size = _frame(data, part)
        elif marker == 0xE1 and turned is None and data.startswith(_EXIF, part.body):
            turned = orientation(data[part.body + len(_EXIF) : part.end])
        elif marker == _SCAN:
            scans += 1
            if size is None:
                break
            if scans > _MOST_SCANS:
                raise BrokenImage("The JPEG has too many parts")
    if size is None:
        raise BrokenImage("The JPEG has no frame")
    if not scans:
        raise BrokenImage("The JPEG has no pixels")
    return ImageInfo("jpeg", *size, turned or UPRIGHT)


def segments(data: bytes) -> Iterator[Part]:
    """Yield the segments, each scan with its data, up to the end of the first picture in a file.

    Cameras put others behind it: smaller ones, or what makes it brighter. Raises BrokenImage,
    struct.error or IndexError.
    """
    at = 2
    for _ in most_parts(data):
        begin = at
        at, marker = _next_marker(data, at)
        if marker == _END:
            return
        if marker in _BARE_MARKERS:
            continue
        (length,) = struct.unpack_from(">H", data, at)
        if length < 2:
            raise BrokenImage("The JPEG is damaged")
        body, at = at + 2, at + length
        if marker == _SCAN:
            at = _skip_scan(data, at)
        yield Part(bytes([marker]), begin, body, at)
    raise BrokenImage("The JPEG has too many parts")


def pixels_only(data: bytes) -> bytes:
    """Return a JPEG that was read without all that only tells of it, and what stands behind it."""
    parts = (data[part.begin : part.end] for part in segments(data) if _is_of_pixels(data, part))
    return b"".join((b"\xff\xd8", *parts, b"\xff\xd9"))


def _is_of_pixels(data: bytes, part: Part) -> bool:
    marker = part.kind[0]
    if marker in _NEEDED:
        return data.startswith(_NEEDED[marker], part.body)
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _frame(data: bytes, part: Part) -> tuple[int, int]:
    depth, height, width, colours = struct.unpack_from(">BHHB", data, part.body)
    common = part.kind[0] in _COMMON_FRAMES and depth == 8 and colours in {1, 3, 4}
    if not common:
        raise BrokenImage("The JPEG is of a rare kind that hardly a program can read")
    return width, height


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
