"""Pictures in a folder, written so that a name never shows half a file."""

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from shared.image_store import INPUTS, ImageStore, StorageAway, image_name, input_name
from shared.recent import Recent

_WRITING = ".writing-"
# Room for some hundred of the largest pictures; below it, what is paid for might not fit.
ROOM_BYTES = 1024**3


@contextmanager
def _telling() -> Iterator[None]:
    """Raise StorageAway for a folder in trouble: the system's own words hold a picture's name."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageAway(error.errno, error.strerror) from None


@dataclass(frozen=True, slots=True)
class File:
    """An image in the folder."""

    path: Path
    size: int
    modified: float

    @_telling()
    def open(self) -> BinaryIO:
        """Return it as a file."""
        return self.path.open("rb")

    def hold(self) -> BinaryIO:
        """Return it as a file: what is open is read to its end, also when its name is gone."""
        return self.open()

    @_telling()
    def read_bytes(self) -> bytes:
        """Return all of it."""
        return self.path.read_bytes()


class FolderStore(ImageStore):
    """Images in a folder; one look whether it can be written is good for `look_seconds`."""

    def __init__(self, folder: Path, look_seconds: float = 0) -> None:
        self.folder = folder.absolute()
        self._looked = Recent(self._look, look_seconds)

    @_telling()
    def put(self, name: str, data: bytes) -> bool:
        """Write an image whole or not at all; return False when it is there already: the first stays.

        May raise OSError.
        """
        # readable for a web server beside this one: who has the name may see the picture anyway
        return _write(self._path(name), data, mode=0o644)

    @_telling()
    def delete(self, name: str) -> None:
        """Remove an image, if it is there."""
        self._path(name).unlink(missing_ok=True)

    @_telling()
    def put_input(self, name: str, data: bytes) -> None:
        """Write what a job will send to the provider; may raise OSError."""
        _write(self._input(name), data, mode=0o600)

    @_telling()
    def find(self, name: str) -> File | None:
        """Return the file of an image, or None when it is not there."""
        path = self._path(name)
        try:
            facts = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        # a link would lead out of the folder
        return File(path, facts.st_size, facts.st_mtime) if stat.S_ISREG(facts.st_mode) else None

    @_telling()
    def read_input(self, name: str) -> bytes:
        """Return an input's bytes; may raise OSError."""
        return self._input(name).read_bytes()

    @_telling()
    def delete_input(self, name: str) -> None:
        """Remove an input, if it is still there."""
        self._input(name).unlink(missing_ok=True)

    def inputs_older_than(self, seconds: float) -> Iterator[str]:
        """Yield the names of the inputs that were written longer ago; may raise OSError."""
        with _telling():
            for file in _older_than(seconds, self.folder / INPUTS):
                if self.is_input(file.name):
                    yield file.name

    @_telling()
    def drop_leavings(self, seconds: float) -> int:
        """Remove what writers that died longer ago have left half written; return how many files."""
        dropped = 0
        for folder in (self.folder, self.folder / INPUTS):
            for file in _older_than(seconds, folder, _WRITING):
                file.unlink(missing_ok=True)
                dropped += 1
        return dropped

    def trouble(self) -> str:
        """Return what keeps images from being written now, or nothing."""
        return self._looked()

    def free_bytes(self) -> int | None:
        """Return the bytes that are free in the folder; None when nobody can tell."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return None

    def signed_url(self, name: str, seconds: int) -> None:
        """Return None: a folder is reached through this service alone."""

    def _look(self) -> str:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.folder) as probe:
                probe.write(b"\0")
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return "not writable"
        return "" if free >= ROOM_BYTES else "almost full"

    def _path(self, name: str) -> Path:
        return self.folder / image_name(name)

    def _input(self, name: str) -> Path:
        return self.folder / INPUTS / input_name(name)


def _older_than(seconds: float, folder: Path, prefix: str = "") -> Iterator[Path]:
    """Yield the files of a folder, if it is there, that were written longer ago."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            # the name first: there may be a million pictures, and to look at one is a call of its own
            if entry.name.startswith(prefix) and _age(entry) > seconds:
                yield Path(entry.path)


def _age(entry: "os.DirEntry[str]") -> float:
    """Return the seconds since a file was written; 0 for what is no file, or no longer there."""
    with suppress(FileNotFoundError):
        if entry.is_file(follow_symlinks=False):
            return time.time() - entry.stat().st_mtime
    return 0


def _write(path: Path, data: bytes, mode: int) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(prefix=_WRITING, dir=path.parent)
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
