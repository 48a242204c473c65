"""The wire as pure functions: what goes out for each operation, what each answer stands for."""

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
    ServerError,
)
from shared.operations import BY_NAME
from worker.wire import ProviderImage, build_request, read_answer

IMAGE = {"content-type": "image/webp", "finish-reason": "SUCCESS"}
PAGE = b"<!DOCTYPE html><title>502 Bad Gateway</title>"


def v2(name: str, *errors: str) -> bytes:
    """Return an error's body as the provider's v2beta sends it."""
    return json.dumps({"id": "a" * 32, "name": name, "errors": list(errors)}).encode()


def v1(name: str, message: str) -> bytes:
    """Return an error's body as the provider's v1 sends it."""
    return json.dumps({"id": "a" * 32, "name": name, "message": message}).encode()


def answered(
    status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> ProviderImage:
    """Return what an answer stands for."""
    return read_answer(status, CaseInsensitiveDict(headers or {}), body)


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (400, v2("bad_request", "prompt: required"), ProviderRejected),
        (400, v2("content_moderation", "flagged"), InputModerated),
        (401, v2("unauthorized", "authorization: invalid"), ProviderAuth),
        (401, v1("unauthorized", "Incorrect API key: sk-secret"), ProviderAuth),
        (402, v2("payment_required", "not enough credits"), ProviderCredits),
        (403, v2("content_moderation", "flagged"), InputModerated),
        (403, v1("permission_denied", "no"), InputModerated),
        (404, v1("not_found", "no such engine"), ProviderRejected),
        (413, v2("payload_too_large", "body: limit"), ProviderRejected),
        (418, b"short and stout", ProviderRejected),
        (422, v2("invalid_language", "English only"), ProviderRejected),
        (422, v2("public_figure", "likeness"), InputModerated),
        (429, v2("rate_limit_exceeded", "150 in 10 s"), RateLimited),
        (429, v2("content_moderation", "x"), RateLimited),
        (500, v2("internal_error", "retry later"), ServerError),
        (500, v1("server_error", "x"), ServerError),
        (500, PAGE, ServerError),
        (502, PAGE, OutcomeUnknown),
        (503, PAGE, ProviderUnavailable),
        (504, PAGE, OutcomeUnknown),
        (520, PAGE, OutcomeUnknown),
        (524, PAGE, OutcomeUnknown),
        (202, b"{}", OutcomeUnknown),
        (302, b"", OutcomeUnknown),
        *[
            (500, body, ServerError)
            for body in (b"", b"\xff\xfe", b"[1]", b'"x"', b'{"errors": 3}', b"[" * 100_000)
        ],
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_status_and_its_body_stand_for_one_fault(
    status: int, body: bytes, fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        answered(status, body)

    assert type(caught.value) is fault


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({**IMAGE, "finish-reason": "CONTENT_FILTERED"}, OutputModerated),
        ({**IMAGE, "finish-reason": "ERROR"}, ProviderBadImage),
        ({"content-type": "image/png"}, ProviderBadImage),
        ({"content-type": "text/html", "finish-reason": "SUCCESS"}, ProviderBadImage),
        ({"content-type": "application/json; type=image/png"}, ProviderBadImage),
        ({}, ProviderBadImage),
    ],
)
def test_a_200_that_is_no_success_was_charged_and_is_not_repeated(
    headers: dict[str, str], fault: type[ProviderFault]
) -> None:
    with pytest.raises(ProviderFault) as caught:
        answered(200, b"x", headers)

    assert type(caught.value) is fault
    assert caught.value.charged


@pytest.mark.parametrize(
    ("status", "headers"),
    [(403, {}), (200, {**IMAGE, "finish-reason": "CONTENT_FILTERED"})],
    ids=["the request", "the image"],
)
def test_a_refusal_by_content_asks_for_something_else_and_leaves_the_cost_to_the_job(
    status: int, headers: dict[str, str]
) -> None:
    with pytest.raises(ProviderFault, match="ask for something else") as caught:
        answered(status, v2("content_moderation"), headers)

    # the job's message tells it, once
    assert "charged" not in caught.value.message


@pytest.mark.parametrize(
    ("headers", "seed", "request_id"),
    [
        ({"seed": "343940597", "x-request-id": "q1"}, 343940597, "q1"),
        ({"SEED": "0", "X-Request-Id": "q1"}, 0, "q1"),
        ({"seed": "-1"}, None, None),
        ({"seed": "9" * 5000}, None, None),
        ({"seed": "٣"}, None, None),
        ({}, None, None),
    ],
)
def test_an_image_comes_with_its_seed_and_request_id(
    headers: dict[str, str], seed: int | None, request_id: str | None
) -> None:
    assert answered(200, b"x", {**IMAGE, **headers}) == ProviderImage(b"x", seed, request_id)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"Retry-After": "12"}, 12),
        ({"retry-after": "0"}, 1),
        ({"Retry-After": "999999"}, 3_600),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, 60),
        ({"Retry-After": "-5"}, 60),
    ],
)
def test_a_lock_out_lasts_as_long_as_it_says_or_a_minute(
    headers: dict[str, str], seconds: float
) -> None:
    with pytest.raises(RateLimited) as caught:
        answered(429, b"", headers)

    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("status", [400, 403, 500])
def test_the_providers_words_reach_the_caller_but_not_without_end(status: int) -> None:
    with pytest.raises(ProviderFault) as caught:
        answered(status, v2("name", "prompt: too odd", "x" * 5_000))

    assert ": prompt: too odd; x" in caught.value.message
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500, 502, 503])
def test_what_may_repeat_our_key_reaches_nobody(status: int) -> None:
    with pytest.raises(ProviderFault) as caught:
        answered(status, v1("unauthorized", "Incorrect API key: sk-secret"))

    assert "sk-secret" not in caught.value.message


ALL: dict[str, Any] = {
    "prompt": "füchse",
    "negative_prompt": "dogs",
    "aspect_ratio": "16:9",
    "style_preset": "anime",
    "seed": 0,
    "creativity": 0.25,
    "output_format": "webp",
    "model": "sd3.5-flash",
    "mode": "fast",
    "steps": 30,
}
GENERATE = ("prompt", "negative_prompt", "aspect_ratio", "style_preset", "seed", "output_format")
CONSERVATIVE = ("prompt", "negative_prompt", "seed", "creativity", "output_format")


@pytest.mark.parametrize(
    ("name", "variant", "fields"),
    [
        ("generate/core", "core", GENERATE),
        ("generate/ultra", "ultra", GENERATE),
        ("generate/sd3", "sd3.5-flash", (*GENERATE, "model")),
        ("upscale/fast", "fast", ("output_format",)),
        ("upscale/conservative", "conservative", CONSERVATIVE),
        ("upscale/creative", "creative", (*CONSERVATIVE, "style_preset")),
    ],
)
def test_exactly_the_fields_of_an_operation_go_out(
    name: str, variant: str, fields: tuple[str, ...]
) -> None:
    image = b"png" if name.startswith("upscale") else None

    outgoing = build_request(BY_NAME[name], variant, ALL, image, "sk-1")

    texts = {field: (None, str(ALL[field])) for field in fields}
    assert outgoing.parts == (texts if image is None else {**texts, "image": ("image", image)})
    assert outgoing.path == f"/v2beta/stable-image/{name}"


def test_the_model_is_the_variant_that_was_chosen() -> None:
    outgoing = build_request(BY_NAME["generate/sd3"], "sd3.5-medium", {"prompt": "x"}, None, "sk-1")

    assert outgoing.parts == {"model": (None, "sd3.5-medium"), "prompt": (None, "x")}


def test_an_option_that_was_not_given_is_not_sent() -> None:
    outgoing = build_request(BY_NAME["generate/core"], "core", {"prompt": "x"}, None, "sk-1")

    assert set(outgoing.parts) == {"prompt"}


def test_the_headers_name_key_client_and_what_is_wanted() -> None:
    outgoing = build_request(BY_NAME["generate/core"], "core", {"prompt": "x"}, None, "sk-1")

    assert outgoing.headers == {
        "Authorization": "Bearer sk-1",
        "Accept": "image/*",
        "stability-client-id": "stability-ai-image-api",
        "Connection": "close",
    }
