"""What the readers of PNG, JPEG and WebP have in common: what they tell, and of how many parts."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What the header says: `format` is "png", "jpeg" or "webp"; width and height in pixels, as stored.

    `orientation` is EXIF's number from 1 (upright) to 8 of how a viewer turns them; `animated` is
    whether more frames may follow.
    """

    format: str
    width: int
    height: int
    orientation: int = 1
    animated: bool = False

    @property
    def upright(self) -> "ImageInfo":
        """Return what is left when the picture is turned as its viewer sees it."""
        width, height = self.width, self.height
        if self.orientation >= 5:  # on its side
            width, height = height, width
        return ImageInfo(self.format, width, height)


class Part(NamedTuple):
    """A part of a file: its kind, where it begins, where its content begins, and where it ends."""

    kind: bytes
    begin: int
    body: int
    end: int


def most_parts(data: bytes) -> range:
    """Count the parts that a file of this size may have.

    Real ones have tens, animations thousands, large pictures one each few KB. Millions of empty ones
    would keep a web process, and all who wait in it, busy for seconds.
    """
    return range(max(10_000, len(data) // 1_024))
