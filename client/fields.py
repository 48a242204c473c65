"""What a job may be asked for. The service validates; these names are for type checkers and readers."""

from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, TypedDict


class CommonFields(TypedDict, total=False):
    """What every order takes; `deadline_seconds`: not bought any more when not started by then."""

    output_format: str
    metadata: Mapping[str, str]
    webhook_url: str
    deadline_seconds: int


class GenerateFields(CommonFields, total=False):
    """The fields of `/generate_image` besides the prompt; a newer service may take more."""

    model: str
    aspect_ratio: str
    style_preset: str
    negative_prompt: str
    seed: int


class UpscaleFields(CommonFields, total=False):
    """The fields of `/upscale_image` besides the image."""

    mode: str
    prompt: str
    negative_prompt: str
    seed: int
    creativity: float
    style_preset: str


Source = bytes | str | Path | BinaryIO
_ADDRESSES = ("http://", "https://", "data:", "/saved_images/")


def address_of(image: Source) -> str | None:
    """Return an image's address, None when it is to be sent itself."""
    return image if isinstance(image, str) and image.startswith(_ADDRESSES) else None


def bytes_of(image: Source) -> bytes:
    """Return an image that is given by its bytes, an open file, or a path; may raise OSError."""
    if isinstance(image, bytes):
        return image
    if isinstance(image, str | Path):
        return Path(image).read_bytes()
    return image.read()
