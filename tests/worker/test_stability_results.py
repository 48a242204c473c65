"""The client begins and asks for images against a real server."""

import json

import pytest

from shared.errors import (
    OutcomeUnknown,
    ProviderBadImage,
    ProviderFault,
    ProviderTimeout,
    ProviderUnavailable,
    RateLimited,
    ResultLost,
    ServerError,
)
from shared.operations import BY_NAME
from tests.pictures import picture
from tests.worker.provider_server import Answer, agree, drips, head, never, provider, resets, says
from worker.stability import Stability
from worker.wire import ProviderImage, build_request, result_request

PICTURE = picture()
ID = "0123456789abcdef" * 4
JSON = {"Content-Type": "application/json"}
START = build_request(
    BY_NAME["upscale/creative"], "creative", {"prompt": "füchse"}, PICTURE, "sk-1"
)
POLL = result_request(ID, "sk-1")
BEGUN = json.dumps({"id": ID}).encode()
COOKS = json.dumps({"id": ID, "status": "in-progress"}).encode()
LOST = json.dumps({"id": "a" * 32, "name": "generation_not_found", "errors": ["id: x"]}).encode()


def start(answer: Answer, seconds: float = 10) -> str:
    """Return what a start at a provider with this answer brings."""
    with provider(answer) as server:
        return Stability(server.url, seconds).start(START, agree)


def poll(answer: Answer, seconds: float = 10) -> ProviderImage | None:
    """Return what asking a provider with this answer brings."""
    with provider(answer) as server:
        return Stability(server.url, seconds).result(POLL, agree)


def test_a_start_is_a_form_and_brings_an_id() -> None:
    with provider(says(200, BEGUN, JSON)) as server:
        assert Stability(server.url, 5).start(START, agree) == ID

    (received,) = server.received
    assert received.line == "POST /v2beta/stable-image/upscale/creative HTTP/1.1"
    assert received.parts == {"prompt": (None, "füchse".encode()), "image": ("image", PICTURE)}
    assert received.headers["Connection"] == "close"


def test_asking_is_a_get_with_the_key_and_without_a_body() -> None:
    with provider(says(202, COOKS)) as server:
        assert Stability(server.url, 5).result(POLL, agree) is None

    (received,) = server.received
    assert received.line == f"GET /v2beta/results/{ID} HTTP/1.1"
    assert received.headers["Authorization"] == "Bearer sk-1"
    assert received.headers["Accept"] == "image/*"
    assert received.headers["Content-Length"] in {None, "0"}


def test_an_image_that_is_done_comes_whole() -> None:
    assert poll(says(200, PICTURE)) == ProviderImage(PICTURE, 7, "q1")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (says(200, b"half", claimed=900), OutcomeUnknown),
        (says(202, BEGUN[:9], claimed=900), OutcomeUnknown),
        (resets, OutcomeUnknown),
        (says(200, b"<html>", {"Content-Type": "text/html"}), ProviderBadImage),
        (says(200, b'{"id": "../../v1/user/account"}', JSON), ProviderBadImage),
        (says(500, b"{}"), ServerError),
        (says(503, b"{}"), ProviderUnavailable),
        (never, ProviderTimeout),
    ],
)
def test_a_start_without_an_id_is_a_fault_by_what_it_may_have_cost(
    answer: Answer, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        start(answer, 0.5)

    assert type(caught.value) is fault


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (says(200, b"half", claimed=900), OutcomeUnknown),
        (drips(head(200, {"Content-Type": "image/png"}), b"drop"), ProviderTimeout),
        (resets, OutcomeUnknown),
        (never, ProviderTimeout),
        (says(429, b"", {"Retry-After": "9"}), RateLimited),
        (says(404, LOST), ResultLost),
        (says(404, b"<html>"), ProviderUnavailable),
    ],
)
def test_trouble_with_asking_is_told_apart_from_an_image_that_is_lost(
    answer: Answer, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        poll(answer, 0.5)

    assert type(caught.value) is fault


def test_a_redirect_of_what_is_asked_for_is_not_followed() -> None:
    with (
        provider(says(200, PICTURE)) as elsewhere,
        provider(says(302, b"", {"Location": elsewhere.url})) as server,
    ):
        with pytest.raises(OutcomeUnknown):
            Stability(server.url, 5).result(POLL, agree)

        assert elsewhere.received == []
