"""Requests as bytes, to the server as it runs: what can be read in two ways, and what never ends."""

import json
import re
import select
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.arriving import MOST_CHUNKS
from api.headers import EVERY
from tests.api.raw import (
    BODY,
    CHUNKED,
    HOST,
    JSON,
    LENGTH,
    UNREADABLE,
    WHOLE_CHUNK,
    Server,
    flooding,
    parsed,
    post,
    received,
    running_api,
)
from tests.builders import until


@pytest.fixture(scope="module")
def server(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Give a running API."""
    with running_api(redis_url, tmp_path_factory.mktemp("raw")) as server:
        yield server


@pytest.mark.parametrize("sent", UNREADABLE, ids=repr)
def test_what_two_servers_could_read_differently_is_refused_and_ends_the_connection(
    server: Server, sent: str
) -> None:
    status, headers, body = server.answer(sent)

    told = json.loads(body)
    assert (status, told["error_code"]) == (400, "invalid_request")
    assert told["error"]
    assert told["request_id"] == headers["X-Request-ID"]
    assert headers["Connection"] == "close"
    assert EVERY.items() <= headers.items()


def test_what_is_written_well_is_taken_and_the_connection_kept(server: Server) -> None:
    sent = post(CHUNKED, body=f"5\r\n{BODY[:5]}\r\n{len(BODY) - 5:X}\r\n{BODY[5:]}\r\n0\r\n\r\n")

    assert [status for status, _, _ in server.answers(sent)] == [202, 200]
    assert [status for status, _, _ in server.answers(post(LENGTH))] == [202, 200]
    unread = post(LENGTH).replace("/generate_image", "/nowhere", 1)
    assert [status for status, _, _ in server.answers(unread)] == [404, 200]


def test_no_header_says_which_version_of_what_answers(server: Server) -> None:
    told = [
        server.answer(f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")[1],
        server.answer("nonsense\r\n\r\n")[1],
    ]

    assert not [headers for headers in told if re.search(r"\d", headers.get("Server", ""))]
    assert not [headers for headers in told if "X-Powered-By" in headers]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (f"GET /{'a' * 9_000} HTTP/1.1\r\n{HOST}", 414),
        (f"GET /healthz HTTP/1.1\r\n{HOST}X-Long: {'a' * 9_000}\r\n", 431),
        (f"GET /healthz HTTP/1.1\r\n{HOST}{'a' * 9_000}: x\r\n", 431),
        (f"GET /healthz HTTP/1.1\r\n{HOST}" + "X-Many: 1\r\n" * 200, 431),
        (f"GET /healthz HTTP/1.1\r\n{HOST}Expect: a miracle\r\n", 417),
    ],
    ids=["address", "header", "name", "headers", "expectation"],
)
def test_a_head_that_is_too_large_is_refused(server: Server, head: str, status: int) -> None:
    answered, headers, body = server.answer(f"{head}\r\n")

    assert (answered, json.loads(body)["error_code"]) == (status, "invalid_request")
    assert headers["Connection"] == "close"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ("", 400),
        ("Host: evil.example\r\n", 403),
        ("Host:\r\n", 403),
        ("Host: localhost:5000@evil.example\r\n", 403),
        ("Host: 127.0.0.1.\r\n", 200),
        (f"{HOST}X-Forwarded-For: 10.1.2.3\r\n", 403),
        (f"{HOST}X_Forwarded_For: 10.1.2.3\r\nSCRIPT_NAME: /jobs\r\nPATH_INFO: /docs\r\n", 200),
    ],
)
def test_the_host_is_looked_at_as_it_was_sent(server: Server, headers: str, status: int) -> None:
    answered = server.answer(f"GET /jobs HTTP/1.1\r\n{headers}Connection: close\r\n\r\n")

    assert answered[0] == status


@pytest.mark.parametrize(
    "target",
    ["http://localhost/healthz", "HTTP://LocalHost/healthz", "/healthz?next=http://evil.example"],
)
def test_the_host_may_stand_in_the_address_too(server: Server, target: str) -> None:
    answered = server.answer(f"GET {target} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")

    assert answered[0] == 200


def test_a_request_of_the_old_kind_that_names_no_host_is_refused(server: Server) -> None:
    assert server.answer("GET /jobs HTTP/1.0\r\n\r\n")[0] == 403
    assert server.answer("GET /healthz HTTP/1.0\r\n\r\n")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        *(
            "..%2f..%2fetc%2fpasswd",
            "../../etc/passwd",
            "%2e%2e/%2e%2e/etc/passwd",
            "%2fetc%2fpasswd",
        ),
        *("/etc/passwd", "..", ".", "%2e", "", "a.png%00.webp", "%00", "....//....//etc/passwd"),
        *("..%5c..%5cwindows", "%c0%ae%c0%ae%2fetc", "%ff%fe", "%ed%a0%80.webp", "%e2%80%ae.webp"),
        *(
            "a" * 3_000,
            "%61" * 1_000,
            ".inputs%2fx",
            "inputs",
            "%",
            "%zz",
            ";a=b",
            "~root",
            "a.png/",
        ),
    ],
)
def test_no_path_leads_out_of_the_folder_of_images(server: Server, path: str) -> None:
    status, _, body = server.answer(
        f"GET /saved_images/{path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n"
    )

    assert (status, json.loads(body)["error_code"]) == (404, "not_found")


def test_what_drips_is_cut_off_in_time(server: Server) -> None:
    begun = [
        f"GET /healthz HTTP/1.1\r\n{HOST}X-Slow: ",
        f"POST /generate_image HTTP/1.1\r\n{JSON}{CHUNKED}\r\n3e8\r\n",
        f"POST /generate_image HTTP/1.1\r\n{JSON}Content-Length: 1000\r\n\r\n",
    ]
    with ThreadPoolExecutor(len(begun)) as pool:
        head, *bodies = pool.map(lambda sent: dripped(server, sent), begun)

    assert head == []
    for ((status, headers, body),) in bodies:
        assert (status, json.loads(body)["error_code"]) == (408, "request_timeout")
        assert headers["Connection"] == "close"


def dripped(server: Server, begun: str) -> list[tuple[int, dict[str, str], bytes]]:
    """Return what is answered to who sends a byte now and then; fail when it never ends."""
    with server.connect() as peer:
        peer.sendall(begun.encode())
        peer.settimeout(0.1)
        for _ in range(100):
            try:
                peer.recv(1, socket.MSG_PEEK)
                peer.settimeout(5)
                return parsed(received(peer))
            except TimeoutError:
                peer.sendall(b" ")
            except ConnectionResetError:
                return []  # the byte before came after the end, without an answer
    pytest.fail("it was never cut off")


def test_a_body_that_comes_quickly_enough_may_take_longer(server: Server) -> None:
    large = json.dumps({"prompt": "x", "wrong": "y" * 100_000}).encode()
    with server.connect() as peer:
        head = f"POST /generate_image HTTP/1.1\r\n{JSON}Content-Length: {len(large)}\r\n"
        peer.sendall(f"{head}Connection: close\r\n\r\n".encode())
        for start in range(0, len(large), 5_000):
            peer.sendall(large[start : start + 5_000])
            time.sleep(0.07)  # 1.4 s in all, where one that brings nothing has 1.1 s
        ((status, _, _),) = parsed(received(peer))

    assert status == 400


def test_many_who_never_finish_keep_nobody_from_being_served(server: Server) -> None:
    heads = [
        f"GET /healthz HTTP/1.1\r\n{HOST}X-Slow: ",
        f"POST /batches HTTP/1.1\r\n{JSON}{CHUNKED}\r\n",
    ]
    peers = [server.connect() for _ in range(500)]
    try:
        for number, peer in enumerate(peers):
            peer.sendall(heads[number % 2].encode())
        began = time.monotonic()

        assert server.is_well()

        assert time.monotonic() - began < 5  # one after the other they would hold it for minutes
        assert all(parsed(received(peer))[0][0] == 408 for peer in peers[1::2])
        assert all(received(peer) == b"" for peer in peers[::2])
    finally:
        for peer in peers:
            peer.close()


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("", f"GET /healthz HTTP/1.1\r\n{HOST}\r\n" * 200),
        (f"POST /generate_image HTTP/1.1\r\n{JSON}{CHUNKED}\r\n", "1\r\nx\r\n" * 10_000),
        (
            f"POST /generate_image HTTP/1.1\r\n{JSON}Content-Length: {10**12}\r\n\r\n",
            "x" * 1_000_000,
        ),
    ],
    ids=["requests", "chunks", "body"],
)
def test_who_sends_without_a_pause_keeps_nobody_from_being_served(
    server: Server, head: str, piece: str
) -> None:
    with flooding(server, head.encode(), piece.encode()):
        began = time.monotonic()

        assert all(server.is_well() for _ in range(20))

        assert time.monotonic() - began < 10


def test_a_body_of_more_chunks_than_anybody_sends_is_refused(server: Server) -> None:
    def in_chunks(most: int) -> str:
        """Return a good body behind spaces."""
        return post(CHUNKED, body="1\r\n \r\n" * (most - 2) + WHOLE_CHUNK)

    assert [status for status, _, _ in server.answers(in_chunks(MOST_CHUNKS))] == [202, 200]
    assert [status for status, _, _ in server.answers(in_chunks(MOST_CHUNKS + 1))] == [400]


@pytest.mark.parametrize(
    "begun",
    [f"Content-Length: 900001\r\n\r\n{' ' * 900_000}", f"{CHUNKED}\r\ndbba1\r\n{' ' * 900_000}"],
    ids=["length", "chunks"],
)
def test_bodies_that_do_not_end_are_held_up_to_a_limit(server: Server, begun: str) -> None:
    sent = f"POST /generate_image HTTP/1.1\r\n{JSON}Connection: close\r\n{begun}".encode()
    peers = [server.connect() for _ in range(3)]
    for peer in peers:
        peer.sendall(sent)
    # 2 MB are too much with the third of them, whichever that is
    first = select.select(peers, [], [], 10)[0][0]
    ((status, headers, body),) = parsed(received(first))
    for peer in peers:
        peer.close()

    assert (status, json.loads(body)["error_code"]) == (503, "unavailable")
    assert headers["Retry-After"]
    long = post(f"Content-Length: {900_000 + len(BODY)}\r\n", body=" " * 900_000 + BODY)
    until(lambda: server.answers(long)[0][0] == 202)
    assert server.answers(long)[0][0] == 202


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system can't tell")
def test_who_stops_to_read_is_cut_off(server: Server) -> None:
    name = f"{'A' * 22}.webp"
    server.images.mkdir(exist_ok=True)
    (server.images / name).write_bytes(bytes(30_000_000))

    with server.connect() as peer:
        peer.sendall(f"GET /saved_images/{name} HTTP/1.1\r\n{HOST}\r\n".encode())
        until(lambda: "who asked has stopped to read" in server.log.read_text())

    assert server.is_well()


def test_nothing_of_all_that_was_a_defect(server: Server) -> None:
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]

    assert [line for line in lines if line["level"] in {"error", "critical"}] == []
