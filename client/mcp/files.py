"""Images of the machine that the tools run on; nothing else of it is ever read and sent."""

import stat
from pathlib import Path

_LARGEST_BYTES = 20 * 1024 * 1024


def picture_of(path: object) -> bytes:
    """Return the bytes of an image file; raise OSError for what is none.

    Whoever talks to the assistant may try to make it send other files: what does not begin as a
    picture never leaves this machine.
    """
    if not isinstance(path, str) or not Path(path).expanduser().is_absolute():
        raise OSError("it must be an absolute path")
    file = Path(path).expanduser()
    facts = file.stat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _LARGEST_BYTES:
        raise OSError(f"it must be a file of at most {_LARGEST_BYTES // 1024 // 1024} MiB")
    data = file.read_bytes()
    if not _begins_as_a_picture(data):
        raise OSError("it must be a PNG, JPEG or WebP image")
    return data


def _begins_as_a_picture(data: bytes) -> bool:
    return data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (
        data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    )
