"""Is this an image that we may send on? Told from its header and structure, without decoding."""

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from werkzeug.datastructures import FileStorage

from api.complaints import Complaint, complaint
from shared.errors import BrokenImage, PayloadTooLarge
from shared.image_file import ImageInfo, inspect
from shared.operations import InputLimits
from shared.settings import Settings

FIELD = "image"
NOT_A_FILE = "is not a file that this request takes"
_REQUIRED = "Image file is required"
_ANIMATED = "is an animation; send one picture, without motion"


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole image: what a viewer sees, its SHA-256 in hex, and how to read its bytes again.

    A batch may carry a hundred of them, whose bytes are not all held at once. `field` is where the
    request has it.
    """

    info: ImageInfo
    digest: str
    read: Callable[[], bytes]
    field: str = FIELD


def read_upload(
    files: Mapping[str, list[FileStorage]], settings: Settings
) -> tuple[Upload | None, list[Complaint]]:
    """Return the one uploaded image, or None with what is wrong; raise PayloadTooLarge."""
    unknown = unknown_files(files)
    given = images_in(files)
    if len(given) > 1:
        return None, [_fault(FIELD, "image must be one file"), *unknown]
    upload, faults = read_image(given[0], settings) if given else (None, [_fault(FIELD, _REQUIRED)])
    return upload, faults + unknown


def images_in(files: Mapping[str, list[FileStorage]]) -> list[FileStorage]:
    """Return the files of the image field; a form's field that was left empty is none."""
    return [file for file in files.get(FIELD, []) if file.filename]


def unknown_files(files: Mapping[str, list[FileStorage]]) -> list[Complaint]:
    """Return a complaint of each file that stands in another field."""
    return [complaint(name, NOT_A_FILE) for name in files if name != FIELD]


def read_image(file: FileStorage, settings: Settings) -> tuple[Upload | None, list[Complaint]]:
    """Return an image of a form, or None with what is wrong with it; raise PayloadTooLarge."""

    def read() -> bytes:
        file.stream.seek(0)
        return file.stream.read(settings.max_upload_bytes + 1)

    size = file.stream.seek(0, os.SEEK_END)
    if not size:
        return None, [_fault(FIELD, _REQUIRED)]
    check_bytes(size, settings)
    return examine(read, FIELD, settings)


def check_bytes(size: int, settings: Settings) -> None:
    """Raise PayloadTooLarge when a file of this size is not taken."""
    if size > settings.max_upload_bytes:
        raise PayloadTooLarge(f"The image is larger than {settings.max_upload_bytes} bytes")


def examine(
    read: Callable[[], bytes], field: str, settings: Settings
) -> tuple[Upload | None, list[Complaint]]:
    """Return the image that can be read so, or None with what is wrong; raise PayloadTooLarge."""
    data = read()
    check_bytes(len(data), settings)
    try:
        info = inspect(data)
    except BrokenImage as error:
        return None, [_fault(field, f"{field}: {error.message}")]
    upright = info.upright
    problems = _size_problems(upright, settings.upscale_max_side)
    faults = [_fault(field, problem) for problem in problems]
    if info.animated:
        faults.append(complaint(field, _ANIMATED))
    return Upload(upright, hashlib.sha256(data).hexdigest(), read, field), faults


def limit_problems(upload: Upload, limits: InputLimits) -> list[Complaint]:
    """Return where an image is outside what the provider's operation accepts."""
    info = upload.info
    short, long = sorted((info.width, info.height))
    pixels = info.width * info.height
    problems = []
    if short < limits.min_side:
        problems.append(f"Image sides should be at least {limits.min_side} pixels")
    if limits.max_side and long > limits.max_side:
        problems.append(f"Image sides should be at most {limits.max_side} pixels")
    if not limits.min_pixels <= pixels <= limits.max_pixels:
        problems.append(f"Image should have {limits.min_pixels} to {limits.max_pixels} pixels")
    if limits.max_ratio and long > short * limits.max_ratio:
        problems.append(
            f"Image's long side should be at most {limits.max_ratio} times its short one"
        )
    return [_fault(upload.field, problem) for problem in problems]


def _size_problems(info: ImageInfo, most: int) -> list[str]:
    if max(info.width, info.height) > most:
        return [f"Image dimensions should not exceed {most}x{most}"]
    return []


def _fault(field: str, error: str) -> Complaint:
    return {"field": field, "error": error}
