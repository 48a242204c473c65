"""A copy of all that a Redis holds, as of one moment, fetched as a replica fetches it.

It needs neither a client program nor the server's folder, leaves no file there, and works on any Redis
that lets this user replicate.
"""

import os
import socket
from pathlib import Path
from typing import IO

from redis import Redis, RedisError

# A server may wait some seconds for more replicas, and forks before the first byte comes.
_SECONDS = 120.0
_CHUNK = 1 << 20


def copy_store(url: str, target: Path) -> int:
    """Write the copy, in Redis's own form (RDB), to a new file; return its size in bytes.

    May raise OSError or RedisError.
    """
    with Redis.from_url(url, socket_timeout=_SECONDS) as client:
        connection = client.connection_pool.get_connection()
        try:
            connection.send_command("REPLCONF", "capa", "eof")
            connection.read_response()
            connection.send_command("SYNC")
            # from here on the server does not speak in answers that a client could read
            channel: socket.socket = connection._sock  # noqa: SLF001
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file, channel.makefile("rb") as stream:
                _receive(stream, file)
                file.flush()
                os.fsync(file.fileno())
        finally:
            connection.disconnect()
    return target.stat().st_size


def _receive(stream: IO[bytes], file: IO[bytes]) -> None:
    """Read what the server sends: `$<bytes>` and these, or `$EOF:<mark>`, the bytes and that mark."""
    head = stream.readline().strip()
    while not head:  # it is still getting ready
        head = stream.readline().strip()
    if head.startswith(b"$EOF:"):
        _until(head.removeprefix(b"$EOF:"), stream, file)
    elif head.startswith(b"$"):
        left = int(head[1:])
        while left > 0:
            left -= file.write(_some(stream, min(left, _CHUNK)))
    else:
        raise RedisError(f"The server gives no copy: {head.decode(errors='replace')}")


def _until(mark: bytes, stream: IO[bytes], file: IO[bytes]) -> None:
    held = b""
    while not held.endswith(mark):
        file.write(held[: -len(mark)])
        held = held[-len(mark) :] + _some(stream, _CHUNK)
    file.write(held[: -len(mark)])


def _some(stream: IO[bytes], most: int) -> bytes:
    """Return what has come, at most so many bytes; raise RedisError at the end."""
    told = stream.read1(most)  # type: ignore[attr-defined]  # what makefile gives has it
    if not told:
        raise RedisError("The server broke the copy off")
    return bytes(told)
