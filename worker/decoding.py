"""Decode pictures whose structure is known to be whole: at most as many at once as cores, and four."""

import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import Image

from shared import jpeg_file, png_file
from shared.errors import BrokenImage
from shared.image_info import ImageInfo

# Decoding takes 10 to 60 MB a picture and Pillow's work does not wait for anything: more at once than
# there are cores only costs memory. Four keep up with the provider's limit; a container with a limit of
# memory may see the cores of a large machine.
AT_ONCE = min(os.cpu_count() or 1, 4)
_decoding = threading.BoundedSemaphore(AT_ONCE)
# The provider's largest is 16 megapixels; decoding takes 3 to 4 bytes a pixel.
MOST_PIXELS = 64_000_000
_PIXELS_ONLY = {"png": png_file.pixels_only, "jpeg": jpeg_file.pixels_only}


@contextmanager
def decoded(data: bytes, info: ImageInfo) -> Iterator[Image.Image]:
    """Give the picture in data that was inspected, as stored; raise BrokenImage when it can't be read.

    Of several frames it is the first.
    """
    if info.width * info.height > MOST_PIXELS:
        raise BrokenImage("The image has too many pixels")
    with _decoding, _loaded(data, info) as image:
        yield image


def _loaded(data: bytes, info: ImageInfo) -> Image.Image:
    """Return a picture whose pixels are in memory."""
    # Pillow reads metadata too, with code that stumbles over what is wrong in them
    pixels_only = _PIXELS_ONLY.get(info.format)
    try:
        plain = pixels_only(data) if pixels_only else data
        image = Image.open(io.BytesIO(plain), formats=(info.format.upper(),))
        # what was checked is what is decoded
        if image.size == (info.width, info.height):
            image.load()
            return image
    except MemoryError:
        raise
    except Exception as error:  # Pillow raises all kinds on damaged files
        raise BrokenImage("The image's pixels are damaged") from error
    raise BrokenImage("The image says two sizes")
