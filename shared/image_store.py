"""Where pictures are kept: what a folder and a bucket have in common, and what they are asked."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from shared.image_file import EXTENSIONS

_ENDING = rf"\.(?:{'|'.join(EXTENSIONS.values())})"
NAME_PATTERN = rf"^[A-Za-z0-9]{{22}}{_ENDING}$"
_NAME = re.compile(NAME_PATTERN)
# The id of its job; those of jobs from before are called as images are.
_INPUT = re.compile(rf"(?:[0-9a-f]{{32}}|[A-Za-z0-9]{{22}}){_ENDING}")
INPUTS = "inputs"


class StorageAway(OSError):
    """What keeps the pictures does not answer, or refuses us; `strerror` says which, and names none.

    `detail` is what its library said: it may hold the name of what was asked for.
    """

    detail = ""


class Picture(Protocol):
    """An image that was there when it was found; what reads raises FileNotFoundError or StorageAway."""

    @property
    def size(self) -> int:
        """Its bytes."""
        ...

    @property
    def modified(self) -> float:
        """When it was written, in seconds since 1970."""
        ...

    def open(self) -> BinaryIO:
        """Return it as a file from which memory holds a piece at a time."""
        ...

    def hold(self) -> BinaryIO:
        """Return it as such a file, which can be read to its end also when it is deleted meanwhile."""
        ...

    def read_bytes(self) -> bytes:
        """Return all of it."""
        ...


class ImageStore(ABC):
    """Images by name; inputs of jobs lie beside them under `inputs/` and are never served.

    All but `trouble` and `signed_url` may raise StorageAway, and FileNotFoundError where it says so.
    """

    @staticmethod
    def is_name(name: str) -> bool:
        """Tell whether a text has the shape of an image's name; no other is ever opened."""
        return _NAME.fullmatch(name) is not None

    @staticmethod
    def is_input(name: str) -> bool:
        """Tell whether a text has the shape of an input's name."""
        return _INPUT.fullmatch(name) is not None

    @abstractmethod
    def put(self, name: str, data: bytes) -> bool:
        """Write an image whole or not at all; return False when another is there: the first stays."""

    @abstractmethod
    def find(self, name: str) -> Picture | None:
        """Return an image, or None when it is not there."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Remove an image, if it is there."""

    @abstractmethod
    def put_input(self, name: str, data: bytes) -> None:
        """Write what a job will send to the provider."""

    @abstractmethod
    def read_input(self, name: str) -> bytes:
        """Return an input's bytes; raise FileNotFoundError when it is not there."""

    @abstractmethod
    def delete_input(self, name: str) -> None:
        """Remove an input, if it is still there."""

    @abstractmethod
    def inputs_older_than(self, seconds: float) -> Iterator[str]:
        """Yield the names of the inputs that were written longer ago."""

    @abstractmethod
    def drop_leavings(self, seconds: float) -> int:
        """Remove what writers that died longer ago have left half written; return how many files."""

    def free_bytes(self) -> int | None:
        """Return the bytes that are free where images are written; None when nobody can tell."""
        return None

    @abstractmethod
    def trouble(self) -> str:
        """Return what keeps images from being written now, or nothing; cheap to ask often."""

    @abstractmethod
    def signed_url(self, name: str, seconds: int) -> str | None:
        """Return an address at which anybody may read an image for so long; None: there is none."""


def image_name(name: str) -> str:
    """Return the name of an image; raise ValueError when it is none."""
    if not ImageStore.is_name(name):
        raise ValueError("not the name of an image")
    return name


def input_name(name: str) -> str:
    """Return the name of an input; raise ValueError when it is none."""
    if not ImageStore.is_input(name):
        raise ValueError("not the name of an input")
    return name
