"""Images and archives, read as they come."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import requests

from client.answers import MOST_PICTURE_BYTES, check_size
from client.files import write_whole
from client.transport import Transport

T = TypeVar("T")
_PIECE_BYTES = 64 * 1024
_PICTURES = "/saved_images/"
# The service may hold the address of an image for a minute.
_PICTURE_SECONDS = 90.0


def picture(transport: Transport, url: str, read: Callable[[requests.Response], T]) -> T:
    """Fetch an image from this service, whatever it calls itself to others."""
    path = urlsplit(url).path
    where = path[path.rfind(_PICTURES) :] if _PICTURES in path else url
    return transport.call("GET", where, read, anonymous=True, seconds=_PICTURE_SECONDS)


def writer(
    path: Path, *, overwrite: bool, most: int | None = MOST_PICTURE_BYTES
) -> Callable[[requests.Response], Path]:
    """Return what writes an answer's body to a file; raise FileExistsError before it is asked for."""
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} is there already")

    def write(response: requests.Response) -> Path:
        pieces = check_size(response, response.iter_content(_PIECE_BYTES), most)
        write_whole(path, pieces, replace=overwrite)
        return path

    return write
