"""A fault as the OpenAI API tells it: its shape, its statuses, and its codes where it has one."""

from collections.abc import Mapping, Sequence
from typing import Any

from api.openai.shapes import OpenAIErrorView, OpenAIFaultView

_ADDRESSES = "/v1/"
# Programs look for these codes; every other is ours.
_CODES = {
    "unauthorized": "invalid_api_key",
    "budget_exceeded": "insufficient_quota",
    "queue_full": "rate_limit_exceeded",
    "key_queue_full": "rate_limit_exceeded",
    "too_many_requests": "rate_limit_exceeded",
    "input_moderated": "content_policy_violation",
    "output_moderated": "content_policy_violation",
}
# Their clients know no class of error for a 402, and take a refused prompt for a 400.
_STATUS = {"budget_exceeded": 429, "input_moderated": 400, "output_moderated": 400}
_TYPES = {
    "insufficient_quota": "insufficient_quota",
    "rate_limit_exceeded": "rate_limit_error",
    "content_policy_violation": "image_generation_user_error",
}


def is_spoken(path: str) -> bool:
    """Tell whether an address is one of that API's, also one that is not there."""
    return path.startswith(_ADDRESSES)


def told(
    status: int, code: str, message: str, errors: Sequence[Mapping[str, Any]] = ()
) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of a fault of ours; `errors` are those of a refused request."""
    status = _STATUS.get(code, status)
    if errors:  # their clients show nothing but the message
        message = "; ".join(str(each["error"]) for each in errors)
    param = str(errors[0]["field"]) if errors else None
    return status, {**OpenAIFaultView(error=error(status, code, message, param))}


def error(status: int, code: str, message: str, param: str | None = None) -> OpenAIErrorView:
    """Return what went wrong, by its status and by a code of ours."""
    code = _CODES.get(code, code)
    usual = "server_error" if status >= 500 else "invalid_request_error"
    kind = _TYPES.get(code, usual)
    return OpenAIErrorView(message=message, type=kind, param=param, code=code)
