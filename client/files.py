"""Files that are there whole or not at all."""

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# No process number: two containers that share a folder may both have the same.
_OURS = f".{secrets.token_hex(8)}-"


def write_whole(path: Path, pieces: Iterable[bytes], *, replace: bool) -> int:
    """Write a file atomically and return its bytes; without `replace` raise FileExistsError."""
    with _beside(path) as part:
        size = 0
        with part.open("xb") as file:
            for piece in pieces:
                size += file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            part.replace(path)
        else:
            _put(part, path)
    return size


def unused(path: Path) -> Path:
    """Return a path at which nothing is yet: this one, or with -2, -3 … before its suffix."""
    found, number = path, 1
    while found.exists() or found.is_symlink():
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found


def drop_parts(folder: Path) -> None:
    """Remove what this process has begun to write into a folder, and will not finish."""
    for part in folder.glob(f"{_OURS}*.part"):
        with suppress(OSError):  # finished meanwhile; or, on Windows, still open
            part.unlink()


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    part = path.with_name(f"{_OURS}{secrets.token_hex(8)}.part")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def _put(part: Path, path: Path) -> None:
    """Give a file its name unless another has it; only a link does that in one step."""
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)
