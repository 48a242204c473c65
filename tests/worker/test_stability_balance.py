"""The free balance call against a real server: what it tells, and what it is when it fails."""

import pytest

from shared.errors import (
    OutcomeUnknown,
    ProviderAuth,
    ProviderFault,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    ServerError,
)
from tests.worker.provider_server import provider, says
from worker.stability import Stability
from worker.wire import balance_request


def balance(status: int, body: bytes) -> int:
    """Return what a provider with this answer tells."""
    with provider(says(status, body, {"Content-Type": "application/json"})) as server:
        return Stability(server.url, 10).balance(balance_request("sk-1"))


@pytest.mark.parametrize(
    ("body", "thousandths"), [(b'{"credits": 866.5}', 866_500), (b'{"credits": 0}', 0)]
)
def test_a_balance_is_told_in_thousandths(body: bytes, thousandths: int) -> None:
    assert balance(200, body) == thousandths


def test_the_question_carries_the_key_and_no_body() -> None:
    with provider(says(200, b'{"credits": 1}')) as server:
        Stability(server.url, 10).balance(balance_request("sk-1"))

        (asked,) = server.received
    assert asked.line == "GET /v1/user/balance HTTP/1.1"
    assert asked.headers["Authorization"] == "Bearer sk-1"
    assert asked.body == b""


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (200, b"{}", ProviderUnavailable),
        (200, b'{"credits": "many"}', ProviderUnavailable),
        (200, b'{"credits": true}', ProviderUnavailable),
        (200, b'{"credits": NaN}', ProviderUnavailable),
        (200, b"<html>", ProviderUnavailable),
        (401, b"{}", ProviderAuth),
        (404, b"{}", ProviderRejected),
        (429, b"{}", RateLimited),
        (500, b"{}", ServerError),
        (502, b"<html>", OutcomeUnknown),
        (503, b"", ProviderUnavailable),
    ],
)
def test_what_is_no_balance_is_a_fault(
    status: int, body: bytes, fault: type[ProviderFault]
) -> None:
    with pytest.raises(fault) as raised:
        balance(status, body)

    assert type(raised.value) is fault
