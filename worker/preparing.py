"""Make an uploaded picture ready for the provider: upright, in sRGB, and nothing but pixels.

What goes out was written here, pixel by pixel: no metadata, no second file behind the first one, and
nothing that two programs could read differently.
"""

import io
from dataclasses import dataclass

from PIL import Image, ImageCms

from shared.errors import BrokenImage, JobFault, UnreadableInput
from shared.image_file import inspect
from shared.image_info import ImageInfo
from shared.image_store import ImageStore, StorageAway
from shared.jobs import Job
from shared.operations import BY_NAME
from worker.decoding import MOST_PIXELS, decoded

# The provider takes 10 MiB a request: the prompts, and what stands around the parts, must fit too.
MOST_BYTES = 10 * 1024 * 1024 - 256 * 1024
# Level 6 takes twice the time of level 1 for a tenth less.
_FAST = 1
# For what does not fit as a PNG: pictures of several megapixels.
_QUALITIES = (95, 85, 70)
_LARGEST_PROFILE = 4 * 1024 * 1024
# How a viewer turns a picture, by EXIF's number.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """What goes to the provider, and what it is."""

    data: bytes
    info: ImageInfo


def prepared_input(job: Job, images: ImageStore) -> Prepared:
    """Return a job's uploaded picture, ready to be sent; raise JobFault, nothing being charged.

    May raise StorageAway.
    """
    try:
        data = images.read_input(job.input)
    except StorageAway:
        raise
    except OSError as error:
        raise JobFault("The uploaded image is no longer there") from error
    limits = BY_NAME[job.operation].input
    try:
        return prepare(data, inspect(data), limits.max_pixels if limits else MOST_PIXELS)
    except BrokenImage as error:
        raise UnreadableInput(f"{error.message}; nothing was charged, send another file") from error


def prepare(
    data: bytes, info: ImageInfo, most_pixels: int = MOST_PIXELS, most_bytes: int = MOST_BYTES
) -> Prepared:
    """Return a picture as it goes out; raise BrokenImage when its pixels can't be read."""
    if info.width * info.height > most_pixels:
        raise BrokenImage("The image has too many pixels")
    with decoded(data, info) as image:
        try:
            plain = _plain(image)
        except (
            ValueError,
            OverflowError,
            OSError,
        ) as error:  # more transparent colours than colours
            raise BrokenImage("The image's colours make no sense") from error
        turn = _TURNS.get(info.orientation)
        upright = plain.transpose(turn) if turn is not None else plain
        form, written = _written(upright, most_bytes)
    return Prepared(written, ImageInfo(form, *upright.size))


def _plain(image: Image.Image) -> Image.Image:
    """Return a picture in sRGB of 8 bits, with transparency if it has any, and nothing else."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):  # 16 bits of grey, which convert() would cut off and not scale
        image = image.point(lambda value: value / 256).convert("L")
    see_through = image.has_transparency_data
    if image.mode not in {"RGB", "CMYK", "L"} or see_through:
        image = image.convert("RGBA" if see_through else "RGB")
    if profile:
        image = _in_srgb(image, profile)
    if image.mode not in {"RGB", "RGBA"}:
        image = image.convert("RGB")
    image.info = {}
    return image


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture whose numbers mean sRGB; a profile that can't be used counts for nothing."""
    if len(profile) > _LARGEST_PROFILE:
        return image
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(own):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, own, srgb, outputMode=mode)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return image
    return converted or image


def _written(image: Image.Image, most_bytes: int) -> tuple[str, bytes]:
    """Return format and bytes of a picture: without a loss if that fits into a request."""
    data = _saved(image, "png", compress_level=_FAST)
    if len(data) <= most_bytes:
        return "png", data
    for quality in _QUALITIES:
        data = _saved(image, "webp", quality=quality, method=2)
        if len(data) <= most_bytes:
            return "webp", data
    raise BrokenImage("The image is too large for the provider, however it is packed")


def _saved(image: Image.Image, form: str, **options: int) -> bytes:
    out = io.BytesIO()
    image.save(out, form.upper(), **options)
    return out.getvalue()
