"""Tell whether bytes are a whole PNG, JPEG or WebP, and how large, without decoding a pixel.

Decoding a 1536 x 1536 picture only to see that it is whole costs tens of milliseconds and
megabytes; walking its structure (PNG chunks and CRCs, JPEG markers, RIFF lengths) next to nothing.
"""

import struct

from shared import jpeg_file, png_file, webp_file
from shared.errors import BrokenImage
from shared.image_info import ImageInfo

__all__ = ["CONTENT_TYPES", "EXTENSIONS", "ImageInfo", "inspect"]

EXTENSIONS = {"webp": "webp", "png": "png", "jpeg": "jpg"}
CONTENT_TYPES = {"webp": "image/webp", "png": "image/png", "jpg": "image/jpeg"}


def inspect(data: bytes) -> ImageInfo:
    """Return format and size of a whole image; raise BrokenImage on anything else."""
    try:
        info = _read(data)
    except (struct.error, IndexError) as error:
        raise BrokenImage("The image is cut short") from error
    if not info.width or not info.height:
        raise BrokenImage("The image has no pixels")
    return info


def _read(data: bytes) -> ImageInfo:
    if data.startswith(png_file.SIGNATURE):
        return png_file.read(data)
    if data.startswith(jpeg_file.SIGNATURE):
        return jpeg_file.read(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp_file.read(data)
    raise BrokenImage("The file is not a PNG, JPEG or WebP image")
