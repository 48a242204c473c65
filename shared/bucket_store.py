"""Pictures in a bucket, where many machines find them; read a piece at a time, never all at once."""

import io
import logging
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from shared.bucket_client import Client, Facts, How
from shared.image_file import CONTENT_TYPES
from shared.image_store import INPUTS, ImageStore, StorageAway, image_name, input_name
from shared.recent import Recent

_log = logging.getLogger(__name__)
# Each is a call of its own, so that a slow caller holds neither a connection nor more memory than this.
PIECE_BYTES = 512 * 1024
# Most pictures; a larger one waits in an unnamed file while an archive is sent.
_HELD_BYTES = 2 * 1024 * 1024
_READ_BYTES = 64 * 1024
# A look is a call that costs money.
LOOK_SECONDS = 10.0
_PROBE, _PROBE_TYPE = "probe", "application/octet-stream"


class BucketStore(ImageStore):
    """Images in a bucket, by the client's calls."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._looked = Recent(self._look, LOOK_SECONDS)
        # a write has failed and none has gone well since
        self._doubt = False

    def put(self, name: str, data: bytes) -> bool:
        """Write an image; return False when another is there.

        One with the same bytes is taken for our own: a write whose answer was lost has put it there.
        """
        path, kind = image_name(name), CONTENT_TYPES[name.partition(".")[2]]
        if self._write(path, data, kind):
            return True
        try:
            there = self._picture(path)
            return there.size == len(data) and there.read_bytes() == data
        except FileNotFoundError as error:
            # it is being written by another, or was removed since
            raise StorageAway(error.errno, "another write is under way") from None

    def find(self, name: str) -> "BucketPicture | None":
        """Return an image, or None when it is not there."""
        try:
            return self._picture(image_name(name))
        except FileNotFoundError:
            return None

    def delete(self, name: str) -> None:
        """Remove an image, if it is there."""
        self._client.delete(image_name(name))

    def put_input(self, name: str, data: bytes) -> None:
        """Write what a job will send to the provider."""
        path = f"{INPUTS}/{input_name(name)}"
        self._write(path, data, CONTENT_TYPES[name.partition(".")[2]])

    def read_input(self, name: str) -> bytes:
        """Return an input's bytes."""
        return self._picture(f"{INPUTS}/{input_name(name)}").read_bytes()

    def delete_input(self, name: str) -> None:
        """Remove an input, if it is still there."""
        self._client.delete(f"{INPUTS}/{input_name(name)}")

    def inputs_older_than(self, seconds: float) -> Iterator[str]:
        """Yield the names of the inputs that were written longer ago: only their folder is listed."""
        for name, written in self._client.listing(INPUTS):
            if self.is_input(name) and time.time() - written > seconds:
                yield name

    def drop_leavings(self, seconds: float) -> int:  # noqa: ARG002
        """Return 0: what was not written whole is not there."""
        return 0

    def trouble(self) -> str:
        """Return what keeps images from being written now, or nothing; a look is good for 10 s."""
        return self._looked()

    def signed_url(self, name: str, seconds: int) -> str | None:
        """Return an address at which an image may be read for so long, or None if none can be had."""
        try:
            return self._client.sign(image_name(name), seconds)
        except OSError as error:
            _log.warning("could not sign an address", extra={"reason": error.strerror})
            return None

    def _picture(self, path: str) -> "BucketPicture":
        return BucketPicture(self._client, path, self._client.facts(path))

    def _write(self, path: str, data: bytes, kind: str) -> bool:
        try:
            written = self._client.write(path, data, kind)
        except OSError:
            self._doubt = True
            self._looked.forget()
            raise
        return written

    def _look(self) -> str:
        # asked to write what is there already, the bucket tells whether it would, and keeps no second
        # version of it; a full one tells only when it is to write for sure
        how: How = "overwrite" if self._doubt else "probe"
        try:
            self._client.write(_PROBE, b"\0", _PROBE_TYPE, how)
        except OSError as error:
            self._doubt = True
            return error.strerror or "does not answer"
        self._doubt = False
        return ""


@dataclass(frozen=True, slots=True)
class BucketPicture:
    """An image as it was when it was looked at."""

    client: Client
    path: str
    facts: Facts

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.facts.size

    @property
    def modified(self) -> float:
        """When it was written, in seconds since 1970."""
        return self.facts.modified

    def open(self) -> BinaryIO:
        """Return it as a file that is read by pieces; a read raises OSError."""
        return io.BufferedReader(_Pieces(self), _READ_BYTES)

    def hold(self) -> BinaryIO:
        """Return a copy of it: in memory when it is small, else in an unnamed file."""
        held = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115 - its reader closes it
        try:
            for start in range(0, self.size, PIECE_BYTES):
                held.write(self.piece(start))
        except BaseException:
            held.close()
            raise
        held.seek(0)
        return held  # type: ignore[return-value]  # it has all that is read of it

    def read_bytes(self) -> bytes:
        """Return all of it."""
        return b"".join(self.piece(start) for start in range(0, self.size, PIECE_BYTES))

    def piece(self, start: int) -> bytes:
        """Return a piece from a byte on."""
        end = min(start + PIECE_BYTES, self.size)
        return self.client.read(self.path, start, end, self.facts.tag)


class _Pieces(io.RawIOBase):
    """An image as a file; holds one piece."""

    def __init__(self, picture: BucketPicture) -> None:
        self._picture = picture
        self._at = 0
        self._piece = memoryview(b"")
        self._begins = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._picture.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        if self._at >= self._picture.size:
            return 0
        if not self._begins <= self._at < self._begins + len(self._piece):
            self._piece = memoryview(self._picture.piece(self._at))
            self._begins = self._at
        start = self._at - self._begins
        read = self._piece[start : start + len(buffer)]
        buffer[: len(read)] = read
        self._at += len(read)
        return len(read)
