"""The client against a real server: what comes back, and what it costs when nothing does."""

import gzip
import http.client
import socket
import ssl
import threading
from typing import Any

import pytest

from shared.errors import (
    OutcomeUnknown,
    ProviderBadImage,
    ProviderFault,
    ProviderUnavailable,
    RateLimited,
    ServerError,
)
from shared.operations import BY_NAME
from tests.pictures import picture
from tests.worker.provider_server import (
    OK,
    Answer,
    agree,
    drips,
    head,
    provider,
    raw,
    resets,
    says,
)
from worker.leases import Lease, LeaseLost
from worker.stability import Stability
from worker.wire import Outgoing, ProviderImage, build_request

PICTURE = picture()
CORE = build_request(BY_NAME["generate/core"], "core", {"prompt": "füchse"}, None, "sk-1")
CHUNKED = head(200, {**OK, "Transfer-Encoding": "chunked"}) + b"5\r\nabcde\r\n"


def call(answer: Answer, seconds: float = 10, outgoing: Outgoing = CORE) -> ProviderImage:
    """Return what a call to a provider with this answer brings."""
    with provider(answer) as server:
        return Stability(server.url, seconds).call(outgoing, agree)


@pytest.mark.parametrize(
    "answer",
    [
        says(200, PICTURE),
        raw(head(200, OK) + PICTURE),
        raw(head(200, {**OK, "Transfer-Encoding": "chunked"}) + b"%x\r\n%b\r\n0\r\n\r\n" % (
            len(PICTURE), PICTURE,
        )),
        says(200, gzip.compress(PICTURE), {"Content-Encoding": "gzip"}),
    ],
    ids=["of known length", "to the end of the connection", "in chunks", "compressed"],
)  # fmt: skip
def test_an_image_comes_whole_with_its_seed_and_request_id(answer: Answer) -> None:
    assert call(answer) == ProviderImage(PICTURE, 7, "q1")


def test_a_large_image_comes_whole() -> None:
    body = PICTURE + bytes(5_000_000)

    assert call(says(200, body)).data == body


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (says(200, b"half", claimed=900), OutcomeUnknown),
        (raw(CHUNKED), OutcomeUnknown),
        (raw(CHUNKED + b"ff\r\nabc"), OutcomeUnknown),
        (raw(b""), OutcomeUnknown),
        (raw(b"HTTP/1.1 2"), OutcomeUnknown),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Ty"), ProviderBadImage),
        (raw(b"SSH-2.0-OpenSSH_9.6\r\n"), OutcomeUnknown),
        (resets, OutcomeUnknown),
        (says(200, b"not gzip", {"Content-Encoding": "gzip"}), OutcomeUnknown),
        (says(200, b"<html>", {"Content-Type": "text/html"}), ProviderBadImage),
        (says(500, b"half", claimed=900), ServerError),
        (says(503, b"half", claimed=900), ProviderUnavailable),
        (says(429, b"", {"Retry-After": "9"}), RateLimited),
        (says(502, b"<html>Bad gateway</html>"), OutcomeUnknown),
        (says(204, b""), OutcomeUnknown),
    ],
)
def test_an_answer_that_is_no_image_is_a_fault_by_what_it_may_have_cost(
    answer: Answer, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        call(answer)

    assert type(caught.value) is fault


@pytest.mark.parametrize("status", [200, 500])
def test_a_body_without_end_does_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr("worker.stability.MOST_BYTES", 1_000_000)
    endless = drips(head(status, OK), bytes(100_000), pause=0)

    with pytest.raises(ProviderFault) as caught:
        call(endless)

    assert type(caught.value) is (ProviderBadImage if status == 200 else ServerError)


def test_a_port_where_nobody_listens_was_never_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(ProviderUnavailable):
        Stability(f"http://127.0.0.1:{port}", 5).call(CORE, agree)


def test_a_name_that_nobody_knows_was_never_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)

    with pytest.raises(ProviderUnavailable):
        Stability("https://provider.invalid", 5).call(CORE, agree)


def test_trouble_with_tls_after_the_request_leaves_the_outcome_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(_: http.client.HTTPConnection) -> None:
        raise ssl.SSLError(1, "tlsv1 alert internal error")

    monkeypatch.setattr("http.client.HTTPConnection.getresponse", fails)

    with pytest.raises(OutcomeUnknown):
        call(says(200, PICTURE))


@pytest.mark.parametrize("manner", ["closes", "talks nonsense", "says nothing"])
def test_a_handshake_that_fails_was_never_reached(manner: str) -> None:
    done = threading.Event()

    def meet(listener: socket.socket) -> None:
        with listener.accept()[0] as caller:
            if manner == "talks nonsense":
                caller.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            elif manner == "says nothing":
                done.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=meet, args=[listener])
        server.start()
        with pytest.raises(ProviderUnavailable):
            Stability(f"https://127.0.0.1:{listener.getsockname()[1]}", 1).call(CORE, agree)
        done.set()
        server.join()


def test_a_call_that_is_another_s_by_the_time_its_connection_stands_is_not_sent() -> None:
    def refuse() -> None:
        caller.accept()[0].close()  # the connection stands
        raise LeaseLost

    with socket.create_server(("127.0.0.1", 0)) as caller:
        caller.settimeout(5)
        with pytest.raises(LeaseLost):
            Stability(f"http://127.0.0.1:{caller.getsockname()[1]}", 5).call(CORE, refuse)

    with provider(says(200, PICTURE)) as server:
        with pytest.raises(LeaseLost):
            Stability(server.url, 5).call(CORE, Lease("c", 0).ensure_alive)

        assert server.received == []


def test_a_redirect_is_not_followed() -> None:
    with (
        provider(says(200, PICTURE)) as elsewhere,
        provider(says(302, b"", {"Location": elsewhere.url})) as server,
    ):
        with pytest.raises(OutcomeUnknown):
            Stability(server.url, 5).call(CORE, agree)

        assert elsewhere.received == []


def test_the_request_is_a_form_of_exactly_the_parts_it_was_given() -> None:
    request = {"prompt": "füchse", "creativity": 0.3, "output_format": "png"}
    outgoing = build_request(
        BY_NAME["upscale/conservative"], "conservative", request, PICTURE, "sk-1"
    )
    with provider(says(200, PICTURE)) as server:
        Stability(server.url, 5).call(outgoing, agree)

    (received,) = server.received
    assert received.line == "POST /v2beta/stable-image/upscale/conservative HTTP/1.1"
    assert received.headers.get_content_type() == "multipart/form-data"
    assert received.parts == {
        "prompt": (None, "füchse".encode()),
        "creativity": (None, b"0.3"),
        "output_format": (None, b"png"),
        "image": ("image", PICTURE),
    }


def test_a_form_without_a_file_is_multipart_too_and_carries_the_key() -> None:
    with provider(says(200, PICTURE)) as server:
        Stability(server.url, 5).call(CORE, agree)

    (received,) = server.received
    assert received.parts == {"prompt": (None, "füchse".encode())}
    assert received.headers["Authorization"] == "Bearer sk-1"
    assert received.headers["Accept"] == "image/*"


def test_what_this_machine_has_set_for_others_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with provider(says(200, PICTURE)) as server:
        Stability(server.url, 5).call(CORE, agree)

    assert server.received[0].headers["Authorization"] == "Bearer sk-1"
