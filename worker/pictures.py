"""Is what the provider sent the picture that was asked for? And if only its format differs, convert."""

import io

from shared.errors import BrokenImage, ProviderBadImage
from shared.image_file import ImageInfo, inspect
from shared.jobs import Job
from shared.operations import BY_NAME
from worker.decoding import MOST_PIXELS, decoded

# The provider's documents differ about sizes, so only a wrong shape is a wrong picture.
_SHAPE_TOLERANCE = 0.06
_QUALITY = {"webp": {"quality": 90, "method": 4}, "jpeg": {"quality": 92}, "png": {}}


def checked(data: bytes, job: Job, source: ImageInfo | None) -> tuple[bytes, ImageInfo]:
    """Return the picture in the format that the job asks for, and what it is.

    `source` is the image that was enlarged, as it was sent. Raises ProviderBadImage when the data is no
    whole picture of the right shape.
    """
    try:
        info = inspect(data)
    except BrokenImage as error:
        raise ProviderBadImage(f"The provider sent a broken picture. {error.message}") from error
    _check_shape(info, job, source)
    wanted = job.request["output_format"]
    if info.format == wanted:
        return data, info
    if info.width * info.height > MOST_PIXELS:
        raise ProviderBadImage("The provider sent a picture that is too large to convert")
    converted = _convert(data, info, wanted)
    return converted, ImageInfo(wanted, info.width, info.height)


def _check_shape(info: ImageInfo, job: Job, source: ImageInfo | None) -> None:
    operation = BY_NAME[job.operation]
    if source:
        width, height = source.width, source.height
    elif operation.sizes:
        width, height = operation.sizes[job.request["aspect_ratio"]]
    else:
        return  # its original is there no more, and it is paid for
    if abs(info.width / info.height * height / width - 1) > _SHAPE_TOLERANCE:
        raise ProviderBadImage("The provider sent a picture of another shape than was asked for")
    if source and (info.width < source.width or info.height < source.height):
        raise ProviderBadImage("The provider sent a picture that is smaller than the original")


def _convert(data: bytes, info: ImageInfo, wanted: str) -> bytes:
    out = io.BytesIO()
    try:
        with decoded(data, info) as image:
            # JPEG has no transparency, PNG and WebP no ink colours
            plain = wanted == "jpeg" or image.mode == "CMYK"
            flat = image.convert("RGB") if plain else image
            flat.save(out, wanted.upper(), **_QUALITY[wanted])
    except (BrokenImage, OSError, ValueError) as error:
        raise ProviderBadImage("The provider sent a picture that can't be read") from error
    return out.getvalue()
