"""Where pictures lie: one folder, written so that a name never shows half a file."""

import os
import re
import shutil
import tempfile
from pathlib import Path

from shared.image_file import EXTENSIONS

NAME_PATTERN = rf"^[A-Za-z0-9]{{22}}\.(?:{'|'.join(EXTENSIONS.values())})$"
_NAME = re.compile(NAME_PATTERN)
INPUTS = "inputs"
# Room for some hundred of the largest pictures; below it, what is paid for might not fit.
ROOM_BYTES = 1024**3


class ImageStore:
    """Images by name, in a folder; inputs of jobs lie beside them in `inputs/` and are never served."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    @staticmethod
    def is_name(name: str) -> bool:
        """Tell whether a text has the shape of an image's name; no other is ever opened."""
        return _NAME.fullmatch(name) is not None

    def put(self, name: str, data: bytes) -> bool:
        """Write an image whole or not at all; return False when it is there already: the first stays.

        May raise OSError.
        """
        # readable for a web server beside this one: who has the name may see the picture anyway
        return _write(self._path(name), data, mode=0o644)

    def delete(self, name: str) -> None:
        """Remove an image, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def put_input(self, name: str, data: bytes) -> None:
        """Write what a job will send to the provider; may raise OSError."""
        _write(self._path(name, INPUTS), data, mode=0o600)

    def find(self, name: str) -> Path | None:
        """Return the file of an image, or None when it is not there."""
        path = self._path(name)
        return path if path.is_file() else None

    def read_input(self, name: str) -> bytes:
        """Return an input's bytes; may raise OSError."""
        return self._path(name, INPUTS).read_bytes()

    def delete_input(self, name: str) -> None:
        """Remove an input, if it is still there."""
        self._path(name, INPUTS).unlink(missing_ok=True)

    def trouble(self) -> str:
        """Return what keeps images from being written now, or nothing."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(b"\0")
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return "not writable"
        return "" if free >= ROOM_BYTES else "almost full"

    def _path(self, name: str, *below: str) -> Path:
        if not self.is_name(name):
            raise ValueError("not the name of an image")
        return self.folder.joinpath(*below, name)


def _write(path: Path, data: bytes, mode: int) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # a link never replaces, as a rename would: callers may hold half of the first already
        _link(temporary, path)
    except FileExistsError:
        return False
    finally:
        Path(temporary).unlink(missing_ok=True)
    _sync_folder(path.parent)
    return True


def _link(temporary: str, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # exFAT and some network folders know no links: look, then rename, which is nearly as good
        if path.exists():
            raise FileExistsError(path) from None
        Path(temporary).rename(path)


def _sync_folder(folder: Path) -> None:
    # without this a power cut can take the new name away, though not the data
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
