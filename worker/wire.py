"""The provider's wire as pure functions: a job to a request, an answer to an image or a fault."""

import json
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
    ServerError,
)
from shared.operations import Operation

CLIENT_ID = "stability-ai-image-api"
# The provider's documented lock-out, for a 429 that names no Retry-After.
LOCK_OUT_SECONDS = 60.0
_LONGEST_LOCK_OUT_SECONDS = 3_600.0
_LONGEST_QUOTE = 300

Part = tuple[str | None, str | bytes]


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to the provider: path, multipart parts as (file name or None, value), headers."""

    path: str
    parts: dict[str, Part]
    headers: dict[str, str]


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
        headers={
            "Authorization": f"Bearer {key}",
            "Accept": "image/*",
            "stability-client-id": CLIENT_ID,
            # a pooled connection that dies under a paid call leaves its outcome unknown
            "Connection": "close",
        },
    )


def read_answer(status: int, headers: Mapping[str, str], body: bytes) -> ProviderImage:
    """Return the image of an answer; raise the fault it stands for.

    `headers` must be looked up without regard to case.
    """
    if status != 200:
        raise _refusal(status, headers, body)
    reason = headers.get("finish-reason")
    if reason == "CONTENT_FILTERED":
        raise OutputModerated(
            "The provider withheld the image: it was found to break its content rules."
            " It was charged; ask for something else"
        )
    if not headers.get("content-type", "").startswith("image/"):
        raise ProviderBadImage("The provider answered with something that is not an image")
    if reason != "SUCCESS":
        raise ProviderBadImage("The provider did not say that the image is a success")
    return ProviderImage(body, _number(headers.get("seed")), headers.get("x-request-id"))


def _refusal(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFault:
    name, said = _error_body(body)
    if status == 429:
        return RateLimited("The provider's rate limit was met", _retry_after(headers))
    if status == 403 or name in {"content_moderation", "public_figure"}:
        return InputModerated(
            f"The provider refused the request by its content rules; nothing was charged{said}"
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
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(parsed, dict):
        return "", ""
    errors = parsed.get("errors")
    words = "; ".join(str(error) for error in errors) if isinstance(errors, list) else ""
    return str(parsed.get("name", "")), f": {words[:_LONGEST_QUOTE]}" if words else ""


def _retry_after(headers: Mapping[str, str]) -> float:
    seconds = _number(headers.get("retry-after"))
    if seconds is None:
        return LOCK_OUT_SECONDS
    return min(max(float(seconds), 1.0), _LONGEST_LOCK_OUT_SECONDS)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None
