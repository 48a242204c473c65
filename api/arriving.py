"""A request's body as it arrives: in time, or not at all; readable in one way only, or refused."""

import time
from collections.abc import Iterator
from typing import Any

import gevent
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.errors import InvalidChunkExtension, InvalidChunkSize, ParseException
from werkzeug.exceptions import BadRequest, RequestTimeout

from shared.errors import Busy

# Seconds that a body may take, and how many more bytes prolong that by a second. A caller who sends a
# byte now and then would hold a connection for ever.
BODY_SECONDS = 30.0
BYTES_A_SECOND = 16 * 1024
_PIECE = 64 * 1024
# Bytes that a process holds of bodies that are still to end: thousands may each keep back the last one.
MOST_HELD = 256 * 1024 * 1024
# A chunk costs the same however little is in it, and gevent lets nobody else in while there is more to
# read: a stream of single bytes, also one that is only taken off, would keep this process to itself.
MOST_CHUNKS = 20_000
_CHUNKS_AT_ONCE = 50


class Arriving:
    """What the app reads a body from; raises RequestTimeout, BadRequest or Busy, and is `broken` then.

    Only the time counts in which the app waits for the body. The connection ends with the answer.
    """

    all_held = 0

    def __init__(self, request: Any) -> None:
        self._request = request
        self._body = _strict(request)
        self._waited = 0.0
        self._got = 0
        self._held = 0
        self.broken = False

    def read(self, size: int | None = -1) -> bytes:
        """Return so many bytes, fewer at the end; all of them without a size."""
        if size is not None and size >= 0:
            return self._taken(self._body.read, size)
        return b"".join(iter(lambda: self._taken(self._body.read, _PIECE), b""))

    def readline(self, size: int | None = -1) -> bytes:
        """Return a line, or so many bytes of it."""
        most = _PIECE if size is None or size < 0 else size
        return self._taken(self._body.readline, most)

    def readlines(self, _hint: int = -1) -> list[bytes]:
        """Return all lines."""
        return list(self)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def _taken(self, read: Any, size: int) -> bytes:
        began = time.monotonic()
        allowed = BODY_SECONDS + (self._got + size) / BYTES_A_SECOND - self._waited
        timer = gevent.Timeout(max(0.001, allowed))
        try:
            with timer:
                data: bytes = read(size)
        except gevent.Timeout as over:
            if over is not timer:
                raise
            self._break_off()
            raise RequestTimeout from None
        except ParseException:
            # where the next request would begin is not known any more
            self._break_off()
            raise BadRequest from None
        self._waited += time.monotonic() - began
        self._got += len(data)
        self._hold(len(data))
        return data

    def _hold(self, size: int) -> None:
        """Count what came of a body that has not ended; raise Busy when that is too much in all."""
        if not size or getattr(self._body.reader, "length", None) == 0:
            self.let_go()
            return
        self._held += size
        Arriving.all_held += size
        if Arriving.all_held > MOST_HELD:
            self._break_off()
            raise Busy("This service is reading as much as it can; try again shortly")

    def let_go(self) -> None:
        """Count it no more: it has ended, or is not wanted."""
        Arriving.all_held -= self._held
        self._held = 0

    def _break_off(self) -> None:
        self.broken = True
        self._request.force_close()


class Rest:
    """What the app did not ask for of a body: taken off ahead of the next request, letting others in.

    gunicorn gives it as long as a head; without a pause that time would never be over.
    """

    def __init__(self, body: Body) -> None:
        self._body = body

    @property
    def failed(self) -> bool:
        """Whether it can't be told where the next request begins."""
        return bool(self._body.failed)

    def read(self, _size: int) -> bytes:
        """Return a piece, nothing at the end; a larger one than gunicorn asks for costs it less."""
        gevent.sleep(0)
        data: bytes = self._body.read(_PIECE)
        return data


class StrictChunks(ChunkedReader):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's reader of chunks, which takes no extensions: servers differ in where these end.

    It lets others in, and takes no more than `MOST_CHUNKS`.
    """

    def __init__(self, req: Any, unreader: Any) -> None:
        super().__init__(req, unreader)
        self._chunks = 0

    def parse_chunk_size(self, unreader: Any, data: bytes | None = None) -> Any:
        """Return the size of the next chunk and what follows it; raise a ParseException."""
        self._chunks += 1
        if self._chunks > MOST_CHUNKS:
            raise InvalidChunkSize(b"too many chunks")
        if self._chunks % _CHUNKS_AT_ONCE == 0:
            gevent.sleep(0)
        line = bytearray(data or b"")
        while b"\r\n" not in line and len(line) <= self.limit_chunk_size_line:
            self.read_into(unreader, line)
        if b";" in line.partition(b"\r\n")[0]:
            raise InvalidChunkExtension("extensions of chunks are not taken")
        return super().parse_chunk_size(unreader, bytes(line))


def _strict(request: Any) -> Body:
    if isinstance(request.body.reader, ChunkedReader):
        request.body = Body(StrictChunks(request, request.unreader))
    return request.body
