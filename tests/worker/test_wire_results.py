"""The wire of what is begun and asked for: the requests, and what each answer stands for."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from shared.errors import (
    InputModerated,
    OutcomeUnknown,
    OutputModerated,
    ProviderAuth,
    ProviderBadImage,
    ProviderCredits,
    ProviderFault,
    ProviderRejected,
    ProviderUnavailable,
    RateLimited,
    ResultLost,
    Retryable,
    ServerError,
)
from shared.operations import BY_NAME
from tests.worker.test_wire import IMAGE, PAGE, v1, v2
from worker.wire import (
    Outgoing,
    ProviderImage,
    build_request,
    read_result,
    read_start,
    result_request,
)

ID = "0123456789abcdef" * 4
JSON = {"content-type": "application/json; type=image/png", "x-request-id": "q1"}


def started(status: int, body: bytes) -> str:
    """Return the id that the answer to a start holds."""
    return read_start(status, CaseInsensitiveDict(), body)


def result(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> ProviderImage | None:
    """Return what the answer to a poll stands for."""
    return read_result(status, CaseInsensitiveDict(headers or {}), body)


def in_json(**fields: Any) -> bytes:
    """Return a result in the JSON form."""
    whole = {"image": base64.b64encode(b"png").decode(), "finish_reason": "SUCCESS", "seed": 7}
    return json.dumps({**whole, **fields}).encode()


def test_a_start_asks_for_json_and_carries_the_form() -> None:
    outgoing = build_request(BY_NAME["upscale/creative"], "creative", {"prompt": "x"}, b"p", "sk-1")

    assert outgoing.path == "/v2beta/stable-image/upscale/creative"
    assert outgoing.headers["Accept"] == "application/json"
    assert outgoing.parts == {"prompt": (None, "x"), "image": ("image", b"p")}


def test_a_result_is_asked_for_by_its_id_with_nothing_but_headers() -> None:
    headers = {
        "Authorization": "Bearer sk-1",
        "Accept": "image/*",
        "stability-client-id": "stability-ai-image-api",
        "Connection": "close",
    }

    assert result_request(ID, "sk-1") == Outgoing(f"/v2beta/results/{ID}", {}, headers, "result")


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("provider_id", [ID, "a", "A-b_9", "x" * 128])
def test_a_start_brings_the_id_of_what_was_begun(status: int, provider_id: str) -> None:
    body = json.dumps({"id": provider_id, "more": 1}).encode()

    assert started(status, body) == provider_id


@pytest.mark.parametrize(
    "provider_id",
    [
        "",
        ".",
        "..",
        "../account",
        "a/b",
        "a?b",
        "a#b",
        "a b",
        "a\n",
        "%2e",
        "ü",
        "x" * 129,
        7,
        None,
    ],
)
def test_an_id_that_is_no_segment_of_an_address_is_not_used(provider_id: object) -> None:
    with pytest.raises(ProviderBadImage) as caught:
        started(200, json.dumps({"id": provider_id}).encode())

    assert caught.value.charged


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'"id"', b"\xff", PAGE, b"[" * 100_000])
def test_a_start_without_an_id_was_charged(body: bytes) -> None:
    with pytest.raises(ProviderBadImage):
        started(200, body)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (400, v2("bad_request", "prompt: required"), ProviderRejected),
        (401, v2("unauthorized", "x"), ProviderAuth),
        (402, v2("payment_required", "x"), ProviderCredits),
        (403, v2("content_moderation", "x"), InputModerated),
        (429, v2("rate_limit_exceeded", "x"), RateLimited),
        (500, PAGE, ServerError),
        (502, PAGE, OutcomeUnknown),
        (503, PAGE, ProviderUnavailable),
        (204, b"", OutcomeUnknown),
    ],
)
def test_a_start_that_is_refused_is_any_paid_call_that_is(
    status: int, body: bytes, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        started(status, body)

    assert type(caught.value) is fault


@pytest.mark.parametrize("body", [b"", b'{"id": "x", "status": "in-progress"}', PAGE])
def test_while_it_cooks_there_is_no_image(body: bytes) -> None:
    assert result(202, body) is None


def test_a_result_in_bytes_is_the_image() -> None:
    headers = {**IMAGE, "seed": "7", "x-request-id": "q1"}

    assert result(200, b"x", headers) == ProviderImage(b"x", 7, "q1")


@pytest.mark.parametrize(
    ("fields", "seed"),
    [
        ({}, 7),
        ({"image": None, "result": base64.b64encode(b"png").decode()}, 7),
        ({"seed": None}, None),
        ({"seed": 4294967294}, 4294967294),
        ({"seed": [1]}, None),
    ],
)
def test_a_result_in_json_is_the_image_too(fields: dict[str, Any], seed: int | None) -> None:
    assert result(200, in_json(**fields), JSON) == ProviderImage(b"png", seed, "q1")


@pytest.mark.parametrize(
    ("body", "headers", "fault"),
    [
        (b"x", {**IMAGE, "finish-reason": "CONTENT_FILTERED"}, OutputModerated),
        (b"x", {"content-type": "image/png"}, ProviderBadImage),
        (PAGE, {"content-type": "text/html"}, ProviderBadImage),
        (b"", {}, ProviderBadImage),
        (in_json(finish_reason="CONTENT_FILTERED"), JSON, OutputModerated),
        (in_json(finish_reason=None), JSON, ProviderBadImage),
        (in_json(image="not base64!"), JSON, ProviderBadImage),
        (in_json(image="füchse"), JSON, ProviderBadImage),
        (in_json(image=["a"]), JSON, ProviderBadImage),
        (in_json(image=None), JSON, ProviderBadImage),
        (b"[1]", JSON, ProviderBadImage),
    ],
)
def test_a_200_that_is_no_success_is_the_end_and_was_charged(
    body: bytes, headers: dict[str, str], fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        result(200, body, headers)

    assert type(caught.value) is fault
    assert caught.value.charged


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (404, v2("generation_not_found", "id: does not exist or expired"), ResultLost),
        (400, v2("bad_request", "id: invalid"), ResultLost),
        (410, b"", ResultLost),
        (403, v2("content_moderation", "flagged"), OutputModerated),
        (422, v2("public_figure", "likeness"), OutputModerated),
        (400, v2("content_moderation", "flagged"), OutputModerated),
        (422, v2("invalid_language", "x"), ResultLost),
    ],
)
def test_what_the_provider_says_of_the_image_is_its_end_and_counts_as_charged(
    status: int, body: bytes, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        result(status, body)

    assert type(caught.value) is fault
    assert caught.value.charged


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (401, v1("unauthorized", "Incorrect API key: sk-secret"), ProviderAuth),
        (402, v2("payment_required", "x"), ProviderCredits),
        (404, PAGE, ProviderUnavailable),
        (404, v1("not_found", "no such route"), ProviderUnavailable),
        (408, PAGE, ProviderUnavailable),
        (425, b"", ProviderUnavailable),
        (429, v2("rate_limit_exceeded", "x"), RateLimited),
        (500, v2("internal_error", "x"), ServerError),
        (502, PAGE, OutcomeUnknown),
        (503, PAGE, ProviderUnavailable),
        (524, PAGE, OutcomeUnknown),
        (302, b"", OutcomeUnknown),
    ],
)
def test_what_says_nothing_of_the_image_is_no_end(
    status: int, body: bytes, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        result(status, body)

    assert type(caught.value) is fault
    assert isinstance(caught.value, Retryable | ProviderAuth | ProviderCredits)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_what_may_repeat_our_key_reaches_nobody(status: int) -> None:
    with pytest.raises(ProviderFault) as caught:
        result(status, v1("unauthorized", "Incorrect API key: sk-secret"))

    assert "sk-secret" not in caught.value.message
