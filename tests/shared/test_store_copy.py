"""The copy of a store is read as a server sends it, in pieces of any size, whole or not at all."""

import io

import pytest
from redis import RedisError

from shared.store_copy import _receive

MARK = b"0123456789abcdefghij" * 2
# What looks like the mark's beginning is no end.
DATA = b"REDIS0011" + MARK[:39] + b"x" * 100 + MARK[:15]


class Pieces(io.RawIOBase):
    """Gives what was sent a few bytes at a time."""

    def __init__(self, sent: bytes, size: int) -> None:
        self._sent, self._size = io.BytesIO(sent), size

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]
        """Give the next few bytes."""
        data = self._sent.read(min(self._size, len(buffer)))
        buffer[: len(data)] = data
        return len(data)


def received(sent: bytes, size: int = 10_000) -> bytes:
    """Return what is written of what a server sends in pieces."""
    file = io.BytesIO()
    _receive(io.BufferedReader(Pieces(sent, size), 16), file)
    return file.getvalue()


@pytest.mark.parametrize("size", [1, 7, 40, 10_000])
@pytest.mark.parametrize(
    "sent",
    [
        b"\n\n$EOF:" + MARK + b"\r\n" + DATA + MARK,
        b"$%d\r\n" % len(DATA) + DATA,
    ],
)
def test_it_is_whole_in_both_forms(sent: bytes, size: int) -> None:
    assert received(sent, size) == DATA


@pytest.mark.parametrize("head", [b"$EOF:" + MARK + b"\r\n", b"$1000\r\n"])
def test_one_that_is_broken_off_is_none(head: bytes) -> None:
    with pytest.raises(RedisError, match="broke the copy off"):
        received(head + DATA)


def test_a_server_that_gives_none_says_why() -> None:
    with pytest.raises(RedisError, match="no copy: -NOMASTERLINK"):
        received(b"-NOMASTERLINK Can't SYNC while not connected with my master\r\n")
