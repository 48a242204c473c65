"""How an answer goes out: in as few packets as it can."""

import socket
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config

from api.outgoing import Whole
from tests.api.raw import HOST, Server, received, running_api

LARGE = b"x" * 100_000
# Where Linux tells, in its `tcp_info`, how many packets with data have come.
_PACKETS_AT = 152


class Sent:
    """A connection that remembers what it was given by each call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        """Take data."""
        self.calls.append(data)


def answered(
    pieces: list[bytes], method: str = "GET", status: str = "200 OK", **headers: str
) -> list[bytes]:
    """Return what is sent, by call, of an answer that comes in pieces."""
    request = SimpleNamespace(version=(1, 1), method=method, should_close=lambda: False)
    sent = Sent()
    response: Any = Whole(request, sent, Config())
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    response.start_response(status, given)
    for piece in pieces:
        response.write(piece)
    response.close()
    return sent.calls


def test_head_and_body_go_out_together() -> None:
    (sent,) = answered([b"{}"], Content_Length="2")

    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert body == b"{}"


def test_what_comes_later_goes_out_when_it_comes() -> None:
    first, second, end = answered([b"one", b"three"])

    assert first.endswith(b"\r\n\r\n3\r\none\r\n")
    assert (second, end) == (b"5\r\nthree\r\n", b"0\r\n\r\n")


def test_a_large_piece_is_not_copied() -> None:
    head, body = answered([LARGE], Content_Length=str(len(LARGE)))

    assert head.endswith(b"\r\n\r\n")
    assert body is LARGE


@pytest.mark.parametrize(
    ("pieces", "method", "status"),
    [([], "GET", "304 NOT MODIFIED"), ([b"{}"], "HEAD", "200 OK"), ([], "GET", "204 NO CONTENT")],
)
def test_an_answer_without_a_body_is_its_head(
    pieces: list[bytes], method: str, status: str
) -> None:
    (sent,) = answered(pieces, method, status)

    assert sent.endswith(b"\r\n\r\n")
    assert b"{}" not in sent


@pytest.fixture(scope="module")
def server(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running API."""
    with running_api(redis_url, tmp_path_factory.mktemp("outgoing")) as server:
        yield server


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="this system counts no packets for us")
def test_a_caller_gets_an_answer_in_one_packet(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
        assert received(peer).endswith(b"}\n")

        told = peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _PACKETS_AT + 4)
        assert struct.unpack_from("I", told, _PACKETS_AT) == (1,)
