"""What schemathesis can't know of this service: good pictures, and rules that no schema can tell.

Loaded by `st` itself; the settings beside it are in `schemathesis.toml`.
"""

import base64
import json
from collections import deque
from typing import Any

import schemathesis
from hypothesis import strategies
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

from tests.pictures import picture

_FORMS = {"multipart/form-data", "application/x-www-form-urlencoded"}
_PICTURES = {
    form: [picture(side, side, form) for side in (64, 80)] for form in ("png", "jpeg", "webp")
}
_LINK = "data:image/png;base64," + base64.b64encode(_PICTURES["png"][0]).decode()
# The names of images that jobs were promised, the newest last.
_promised: deque[str] = deque(maxlen=50)

for _form, _made in _PICTURES.items():
    schemathesis.openapi.media_type(f"image/{_form}", strategies.sampled_from(_made))


@schemathesis.hook
def after_call(context: HookContext, case: "Case[Any]", response: Response) -> None:
    """Remember the image of an answer, which no link can name: the answer has its address only."""
    try:
        address = json.loads(response.content)["image_url"]
    except (ValueError, KeyError, TypeError):
        return
    if address:
        _promised.append(address.rpartition("/")[2])


@schemathesis.hook
def map_case(context: HookContext, case: "Case[Any]") -> "Case[Any]":
    """Let no request contradict itself or name an address that would be called.

    And let those who ask for an image ask for one that there is.
    """
    good = case.meta is not None and case.meta.generation.mode.is_positive
    if good and _promised and "name" in (case.path_parameters or {}):
        name = str(case.path_parameters["name"])
        case.path_parameters["name"] = _promised[sum(map(ord, name)) % len(_promised)]
    body: Any = case.body
    if isinstance(body, dict):
        _mend(body, case)
    return case


def _mend(body: dict[str, Any], case: "Case[Any]") -> None:
    if "idempotency_key" in body and case.headers:
        case.headers.pop("Idempotency-Key", None)
    if isinstance(body.get("image"), bytes) and case.operation.path == "/batches":
        body["image"] = [body["image"]]
    address, files = body.get("image_url"), body.get("openaiFileIdRefs")
    if isinstance(address, str) and not address.startswith("/saved_images/"):
        body["image_url"] = _LINK
    if isinstance(files, list):
        body["openaiFileIdRefs"] = [_LINK for _ in files]


@schemathesis.hook
def filter_failure(
    context: HookContext, failure: Failure, case: "Case[Any]", response: Response
) -> bool:
    """Drop what is said of a request by rules that a schema can't tell."""
    given: Any = case.body
    body = given if isinstance(given, dict) else {}
    if isinstance(failure, AcceptedNegativeData):
        # an empty field of a form stands for nothing
        empty = case.media_type in _FORMS and "" in body.values()
        # a default that every job overrides is not looked at
        return not (empty or "defaults" in body)
    if isinstance(failure, RejectedPositiveData):
        # a cursor must be one that was given out
        return "cursor" not in (case.query or {})
    return True
