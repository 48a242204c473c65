"""Is this an image that we may send on? Told from its header and structure, without decoding."""

from collections.abc import Mapping
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


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole image, what its header says, and the field of the request that it came by."""

    data: bytes
    info: ImageInfo
    field: str = FIELD


def read_upload(
    files: Mapping[str, list[FileStorage]], settings: Settings
) -> tuple[Upload | None, list[Complaint]]:
    """Return the uploaded image, or None with what is wrong; raise PayloadTooLarge."""
    unknown = unknown_files(files)
    given = _given(files)
    if not given:
        return None, [_fault(FIELD, _REQUIRED), *unknown]
    if len(given) > 1:
        return None, [_fault(FIELD, "image must be one file"), *unknown]
    data = given[0].stream.read(settings.max_upload_bytes + 1)
    if not data:
        return None, [_fault(FIELD, _REQUIRED), *unknown]
    upload, faults = examine(data, FIELD, settings)
    return upload, faults + unknown


def examine(data: bytes, field: str, settings: Settings) -> tuple[Upload | None, list[Complaint]]:
    """Return the image that bytes are, or None with what is wrong; raise PayloadTooLarge."""
    if len(data) > settings.max_upload_bytes:
        raise PayloadTooLarge(f"The image is larger than {settings.max_upload_bytes} bytes")
    try:
        info = inspect(data)
    except BrokenImage as error:
        return None, [_fault(field, f"{field}: {error.message}")]
    faults = [_fault(field, problem) for problem in _size_problems(info, settings.upscale_max_side)]
    return Upload(data, info, field), faults


def has_file(files: Mapping[str, list[FileStorage]]) -> bool:
    """Tell whether a form holds a file for the image; browsers send an empty one for none."""
    return bool(_given(files))


def unknown_files(files: Mapping[str, list[FileStorage]]) -> list[Complaint]:
    """Return a complaint about each file that nothing here takes."""
    return [complaint(name, NOT_A_FILE) for name in files if name != FIELD]


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


def _given(files: Mapping[str, list[FileStorage]]) -> list[FileStorage]:
    return [file for file in files.get(FIELD, []) if file.filename]


def _size_problems(info: ImageInfo, most: int) -> list[str]:
    if max(info.width, info.height) > most:
        return [f"Image dimensions should not exceed {most}x{most}"]
    return []


def _fault(field: str, error: str) -> Complaint:
    return {"field": field, "error": error}
