"""An answer as it goes out: its head and the first of its body by one call, not one for each."""

from typing import Any

from gunicorn.http import wsgi

# A larger piece is a packet of its own anyway, and is not copied for this.
_SMALL = 64 * 1024


class Whole(wsgi.Response):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's answer, which keeps its head back until there is a body to send with it."""

    sock: Any

    def write(self, arg: Any) -> None:
        """Send a piece of the body."""
        if self.headers_sent or len(arg) > _SMALL:
            super().write(arg)
            return
        sock, kept = self.sock, _Kept()
        self.sock = kept
        try:
            super().write(arg)
        finally:
            self.sock = sock
        sock.sendall(b"".join(kept.pieces))


class _Kept:
    """What would have been sent, in its pieces."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)


def send_whole() -> None:
    """Have gunicorn answer so, in this process: no setting of its names a class for HTTP/1."""
    wsgi.Response = Whole
