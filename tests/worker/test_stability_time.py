"""A call ends in time, whatever the other end does, and not before what is paid for has come."""

import socket
import time
from typing import Any

import pytest
import requests

from shared.errors import (
    ProviderTimeout,
    ProviderUnavailable,
    ServerError,
)
from tests.worker.provider_server import (
    OK,
    Answer,
    agree,
    drips,
    head,
    never,
    provider,
    says,
)
from tests.worker.test_stability import CORE, PICTURE, call
from worker import stability
from worker.stability import CONNECT_SECONDS, Stability
from worker.wire import Outgoing


@pytest.mark.parametrize(
    "answer",
    [
        never,
        says(200, b"half", claimed=900),
        drips(head(200, OK), b"drop"),
        drips(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"),
        drips(head(200, {**OK, "Transfer-Encoding": "chunked"}), b"1\r\nx\r\n"),
    ],
    ids=["silent", "stalled body", "dripping body", "dripping headers", "dripping chunks"],
)
def test_a_provider_that_takes_too_long_is_left_in_time(answer: Answer) -> None:
    def stalled(connection: socket.socket, over: Any) -> None:
        answer(connection, over)
        over.wait(10)

    begun = time.monotonic()

    with pytest.raises(ProviderTimeout):
        call(stalled, seconds=0.3)

    assert time.monotonic() - begun < 2


def test_a_whole_answer_that_came_while_this_process_was_frozen_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = stability._body  # noqa: SLF001 - between the answer's head and its body

    def thaws(*answer: Any) -> bytes:
        time.sleep(0.4)
        return real(*answer)

    monkeypatch.setattr("worker.stability._body", thaws)

    assert call(says(200, PICTURE), seconds=0.3).data == PICTURE


def test_an_upload_may_take_longer_than_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.stability.CONNECT_SECONDS", 0.05)
    # more than fits between the two
    upload = Outgoing("/", {"image": ("image", bytes(20_000_000))}, {})
    with provider(says(200, PICTURE)) as server:
        server.begins_after = 0.3

        assert Stability(server.url, 10).call(upload, agree).data == PICTURE


def test_a_refusal_is_known_by_its_status_however_slowly_its_words_come() -> None:
    with pytest.raises(ServerError):
        call(drips(head(500, {}), b"x"), seconds=0.3)


def test_every_call_has_both_time_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def send(*_: object, timeout: object = None, **__: object) -> None:
        given.append(timeout)
        raise requests.ConnectTimeout

    monkeypatch.setattr("requests.adapters.HTTPAdapter.send", send)

    with pytest.raises(ProviderUnavailable):
        Stability("http://127.0.0.1:1", 7).call(CORE, agree)

    assert given == [(CONNECT_SECONDS, 7)]
