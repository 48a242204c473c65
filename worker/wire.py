"""The provider's wire as pure functions: a job to a request, an answer to what it brings or a fault."""

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
    ServerError,
)
from shared.operations import Operation

CLIENT_ID = "stability-ai-image-api"
# The provider's documented lock-out, for a 429 that names no Retry-After.
LOCK_OUT_SECONDS = 60.0
_LONGEST_LOCK_OUT_SECONDS = 3_600.0
_LONGEST_QUOTE = 300
# Documented as 64 hex digits; what is put into an address with our key must be one segment of it.
_PROVIDER_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_RESULTS = "/v2beta/results"
_BALANCE = "/v1/user/balance"
# Refusals that say nothing about the job that was asked for.
_ASK_AGAIN = frozenset({404, 408, 425})

Part = tuple[str | None, str | bytes]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to the provider: path, multipart parts as (file name or None, value), headers.

    `operation` names what it is for: one of the table, "result" or "balance".
    """

    path: str
    parts: dict[str, Part]
    headers: dict[str, str]
    operation: str = ""


@dataclass(frozen=True, slots=True)
class ProviderImage:
    """What a call brought: the file, the seed used, the provider's id of the request."""

    data: bytes
    seed: int | None
    request_id: str | None


def build_request(
    operation: Operation, variant: str, request: Mapping[str, Any], image: bytes | None, key: str
) -> Outgoing:
    """Turn a job's normalised request into what goes out; absent options are not sent at all."""
    chosen = {operation.selector: variant} if operation.selector else {}
    options = {name: request[name] for name in operation.options.model_fields if name in request}
    texts = {**chosen, **options}
    parts: dict[str, Part] = {name: (None, str(value)) for name, value in texts.items()}
    if image is not None:
        parts["image"] = ("image", image)
    return Outgoing(
        path=operation.path,
        parts=parts,
        # what is begun answers in JSON and documents no Accept
        headers=_headers(key, "application/json" if operation.asynchronous else "image/*"),
        operation=operation.name,
    )


def result_request(provider_id: str, key: str) -> Outgoing:
    """Return the request for what was begun under an id that `read_start` has read."""
    return Outgoing(f"{_RESULTS}/{provider_id}", {}, _headers(key, "image/*"), "result")


def balance_request(key: str) -> Outgoing:
    """Return the request for the account's balance, which is free."""
    return Outgoing(_BALANCE, {}, _headers(key, "application/json"), "balance")


def _headers(key: str, accept: str) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {key}",
        "Accept": accept,
        "stability-client-id": CLIENT_ID,
        # a pooled connection that dies under a paid call leaves its outcome unknown
        "Connection": "close",
    }


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> ProviderImage:
    """Return the image of an answer; raise the fault it stands for.

    `headers` must be looked up without regard to case.
    """
    if status != 200:
        raise _refusal(status, headers, body)
    reason = headers.get("finish-reason")
    _refuse_filtered(reason)
    if not headers.get("content-type", "").startswith("image/"):
        raise ProviderBadImage("The provider answered with something that is not an image")
    _require_success(reason)
    return ProviderImage(body, _number(headers.get("seed")), headers.get("x-request-id"))


def read_start(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """Return the id of what was begun; raise the fault that an answer stands for."""
    # 200 is documented; other services of this provider begin with 202
    if status not in {200, 202}:
        raise _refusal(status, headers, body)
    provider_id = _parsed(body).get("id")
    if not isinstance(provider_id, str) or not _PROVIDER_ID.fullmatch(provider_id):
        raise ProviderBadImage("The provider began the image and did not say how to ask for it")
    return provider_id


def read_result(status: int, headers: Mapping[str, str], body: bytes) -> ProviderImage | None:
    """Return the image that was asked for, or None while it cooks; raise what an answer stands for.

    What is Retryable, ProviderAuth or ProviderCredits says nothing about the image: it may be asked for
    again. Any other fault is its end.
    """
    if status == 202:
        return None
    if status == 200:
        as_json = headers.get("content-type", "").startswith("application/json")
        return _json_image(headers, body) if as_json else read_answer(status, headers, body)
    fault = _refusal(status, headers, body)
    name, said = _error_body(body)
    if isinstance(fault, InputModerated):
        raise OutputModerated(
            f"The provider refused the image by its content rules after it had begun{said}"
        )
    if name == "generation_not_found":
        raise ResultLost("The provider has the image no more")
    if isinstance(fault, ProviderRejected):
        if status in _ASK_AGAIN:
            raise ProviderUnavailable("The provider does not give out results")
        raise ResultLost(f"The provider began the image and does not give it out{said}")
    raise fault


def read_balance(status: int, headers: Mapping[str, str], body: bytes) -> int:
    """Return the account's balance in thousandths of a credit; raise the fault an answer stands for."""
    if status != 200:
        raise _refusal(status, headers, body)
    credits: Any = _parsed(body).get("credits")
    told = isinstance(credits, int | float) and not isinstance(credits, bool)
    if not (told and math.isfinite(credits)):
        raise ProviderUnavailable("The provider does not tell the balance")
    return int(credits * 1000)


def _json_image(headers: Mapping[str, str], body: bytes) -> ProviderImage:
    """Return the image of the JSON form, whose text was seen under two names."""
    parsed = _parsed(body)
    text, reason = parsed.get("image") or parsed.get("result"), parsed.get("finish_reason")
    _refuse_filtered(reason)
    _require_success(reason)
    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        data = b""
    if not data:
        raise ProviderBadImage("The provider sent a picture that can't be read")
    return ProviderImage(data, _number(str(parsed.get("seed"))), headers.get("x-request-id"))


def _refuse_filtered(reason: object) -> None:
    if reason == "CONTENT_FILTERED":
        raise OutputModerated(
            "The provider withheld the image, which was found to break its content rules;"
            " ask for something else"
        )


def _require_success(reason: object) -> None:
    if reason != "SUCCESS":
        raise ProviderBadImage("The provider did not say that the image is a success")


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
    name, said = _error_body(body)
    if status == 429:
        return RateLimited("The provider's rate limit was met", _retry_after(headers))
    if status == 403 or name in {"content_moderation", "public_figure"}:
        return InputModerated(
            f"The provider refused the request by its content rules; ask for something else{said}"
        )
    if status == 401:
        return ProviderAuth("The provider refused this service's API key")
    if status == 402:
        return ProviderCredits("This service's provider account is out of credits")
    if 400 <= status < 500:
        return ProviderRejected(f"The provider found the request invalid{said}")
    if status == 503:
        return ProviderUnavailable("The provider is not available")
    if status == 500:
        return ServerError(f"The provider failed{said}")
    return OutcomeUnknown(
        f"The provider's gateway answered {status}; whether the call was charged is unknown"
    )


def _error_body(body: bytes) -> tuple[str, str]:
    """Return the provider's error name and its words for a caller; gateways send HTML: nothing."""
    parsed = _parsed(body)
    errors = parsed.get("errors")
    words = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
    return str(parsed.get("name", "")), f": {words[:_LONGEST_QUOTE]}" if words else ""


def _parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a body, an empty one when it is anything else."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _retry_after(headers: Mapping[str, str]) -> float:
    seconds = _number(headers.get("retry-after"))
    if seconds is None:
        return LOCK_OUT_SECONDS
    return min(max(float(seconds), 1.0), _LONGEST_LOCK_OUT_SECONDS)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None
