"""Requests to addresses that a caller named, against real servers that do their worst."""

import socket
import time
import zlib
from typing import Any

import pytest

from shared.embedded_redis import free_port
from shared.errors import AnswerTooLarge, OutboundFault
from shared.outbound import Outbound
from tests.pictures import picture
from tests.shared.outside import endless, refused
from tests.worker.provider_server import Answer, drips, head, never, provider, raw, resets, says

PICTURE = picture()
CHUNKED = {"Transfer-Encoding": "chunked"}
REDIRECT = "it answered 302: redirects are not followed"
# More than any limit here; a server that is told to send it soon finds the connection closed.
BOMB = zlib.compress(bytes(50_000_000), wbits=31)


def fetch(answer: Answer, **changes: Any) -> bytes:
    """Return what is fetched from a local server with this answer."""
    with provider(answer) as server:
        return Outbound(allow_private=True, **changes).get(server.url).data


def reason(answer: Answer, **changes: Any) -> str:
    """Return why nothing could be fetched from a local server with this answer."""
    with pytest.raises(OutboundFault) as fault:
        fetch(answer, **changes)
    return str(fault.value)


@pytest.mark.parametrize(
    "answer",
    [
        says(200, PICTURE),
        raw(head(200, {}) + PICTURE),
        raw(head(200, CHUNKED) + b"%x\r\n%b\r\n0\r\n\r\n" % (len(PICTURE), PICTURE)),
        raw(b"HTTP/1.1 100 Continue\r\n\r\n" + head(200, {}) + PICTURE),
    ],
    ids=["of known length", "to the end of the connection", "in chunks", "after a 100"],
)
def test_what_an_address_has_is_fetched(answer: Answer) -> None:
    assert fetch(answer) == PICTURE


def test_a_fetch_says_who_asks_and_asks_for_plain_bytes() -> None:
    with provider(says(200, PICTURE)) as server:
        fetched = Outbound(allow_private=True).get(f"{server.url}/a/../b%20c.png?d=1#e")

    (asked,) = server.received
    assert asked.line == "GET /b%20c.png?d=1 HTTP/1.1"
    assert asked.headers["Accept-Encoding"] == "identity"
    assert asked.headers["Host"] == server.url.removeprefix("http://")
    assert asked.headers["Authorization"] is None
    assert fetched.content_type == "image/png"


@pytest.mark.parametrize("status", [201, 204, 206, 300, 304, 400, 401, 404, 500, 503])
def test_an_answer_without_the_file_is_told_by_its_status(status: int) -> None:
    assert reason(says(status, b"")).startswith(f"it answered {status}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["{url}/other", "/other", "http://[", "file:///etc/passwd", "//"])
def test_no_redirect_is_followed(status: int, where: str) -> None:
    with provider(never) as server:
        server.answer = says(status, b"", {"Location": where.format(url=server.url)})
        outbound = Outbound(allow_private=True)

        with refused(f"it answered {status}: redirects are not followed"):
            outbound.get(server.url)
        assert outbound.post(server.url, b"{}", {}) == status

    assert [asked.line for asked in server.received] == ["GET / HTTP/1.1", "POST / HTTP/1.1"]


def test_the_body_of_a_redirect_is_not_read() -> None:
    seen: list[int] = []

    with provider(endless(head(302, {"Location": "/a"}), seen)) as server:
        begun = time.monotonic()
        with refused(REDIRECT):
            Outbound(allow_private=True).get(server.url)
        assert time.monotonic() - begun < 5

    assert sum(seen) < 50_000_000


@pytest.mark.parametrize(
    "first",
    [
        head(200, {}),
        head(200, {"Content-Length": "300000000"}),
        head(200, CHUNKED) + b"fffffff\r\n",
    ],
)
def test_a_body_without_end_is_left_at_its_limit(first: bytes) -> None:
    seen: list[int] = []

    with pytest.raises(AnswerTooLarge, match="larger than 1000000 bytes"):
        fetch(endless(first, seen), most_bytes=1_000_000)

    assert sum(seen) < 100_000_000


def test_a_body_that_says_it_is_too_large_is_not_waited_for() -> None:
    answer = drips(head(200, {"Content-Length": "1001"}), b"x")

    assert reason(answer, most_bytes=1_000) == "larger than 1000 bytes"


def test_a_body_at_its_limit_is_taken_and_a_byte_more_is_not() -> None:
    assert fetch(says(200, bytes(1_000)), most_bytes=1_000) == bytes(1_000)

    assert reason(says(200, bytes(1_001)), most_bytes=1_000) == "larger than 1000 bytes"
    assert reason(raw(head(200, {}) + bytes(1_001)), most_bytes=1_000) == "larger than 1000 bytes"


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x"])
@pytest.mark.parametrize("status", [200, 302])
def test_a_compressed_answer_is_never_unpacked(encoding: str, status: int) -> None:
    told = reason(says(status, BOMB, {"Content-Encoding": encoding, "Location": "/"}))

    assert told == ("its answer is compressed" if status == 200 else REDIRECT)


@pytest.mark.parametrize(
    "answer",
    [
        never,
        drips(b"", b"H"),
        drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        drips(b"HTTP/1.1 200 OK\r\n", b"x"),
        drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drips(head(200, {}), b"x"),
        drips(head(200, {"Content-Length": "100000"}), b"x"),
        drips(head(200, CHUNKED), b"1\r\nx\r\n"),
        drips(head(200, CHUNKED) + b"1", b"0"),
        drips(head(200, CHUNKED) + b"1\r\nx\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=[
        "silence", "status line", "headers", "one header", "100 for ever", "body", "long body", "chunks",
        "a chunk's size", "trailers",
    ],
)  # fmt: skip
def test_who_drips_meets_the_end_of_the_time(answer: Answer) -> None:
    begun = time.monotonic()

    assert reason(answer, seconds=0.3) == "timed out after 0.3 s"

    assert time.monotonic() - begun < 5


def test_a_post_to_who_drips_headers_or_reads_nothing_meets_the_end_of_the_time() -> None:
    for answer in (drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), drips(b"", b"H")):
        with provider(answer) as server, refused("timed out after 0.3 s"):
            Outbound(allow_private=True, seconds=0.3).post(server.url, b"x", {})
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with refused("timed out after 0.3 s"):
            Outbound(allow_private=True, seconds=0.3).post(url, bytes(50_000_000), {})


@pytest.mark.parametrize(
    "answer",
    [
        resets,
        raw(b""),
        raw(b"SSH-2.0-OpenSSH_9\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        says(200, PICTURE[:50], claimed=len(PICTURE)),
        raw(head(200, CHUNKED) + b"ff\r\nabc"),
        raw(head(200, CHUNKED) + b"-1\r\nabc"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef"),
        raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200),
        raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000),
        raw(b"HTTP/1.1 99999 \xff\xfe\r\n\r\n"),
    ],
)
def test_an_answer_that_breaks_off_or_makes_no_sense_is_a_fault(answer: Answer) -> None:
    assert reason(answer) == "connection broken off"


def test_a_port_where_nobody_listens_refuses() -> None:
    with refused("connection refused"):
        Outbound(allow_private=True).get(f"http://127.0.0.1:{free_port()}/")


@pytest.mark.parametrize("status", [200, 204, 302, 400, 410, 500])
def test_a_post_tells_the_status_and_reads_no_further(status: int) -> None:
    seen: list[int] = []
    with provider(endless(head(status, {}), seen)) as server:
        sent = Outbound(allow_private=True).post(f"{server.url}/hook", b"{}", {"webhook-id": "w1"})

    (asked,) = server.received
    assert sent == status
    assert (asked.line, asked.body) == ("POST /hook HTTP/1.1", b"{}")
    assert asked.headers["webhook-id"] == "w1"
    assert sum(seen) < 50_000_000
