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

_URLENCODED = "application/x-www-form-urlencoded"
_FORMS = {"multipart/form-data", _URLENCODED}
_PICTURES = {
    form: [picture(side, side, form) for side in (64, 80)] for form in ("png", "jpeg", "webp")
}
_LINK = "data:image/png;base64," + base64.b64encode(_PICTURES["png"][0]).decode()
# Where nobody listens.
_NOBODY = "http://127.0.0.1:9/done"
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
    """Let no request contradict itself, or have another machine called.

    And let those who ask for an image ask for one that there is.
    """
    good = case.meta is not None and case.meta.generation.mode.is_positive
    if good and _promised and "name" in (case.path_parameters or {}):
        name = str(case.path_parameters["name"])
        case.path_parameters["name"] = _promised[sum(map(ord, name)) % len(_promised)]
    body: Any = case.body
    if not isinstance(body, dict):
        return case
    if "idempotency_key" in body and case.headers:
        case.headers.pop("Idempotency-Key", None)
    if isinstance(body.get("image"), bytes) and case.operation.path == "/batches":
        body["image"] = [body["image"]]
    jobs = body.get("jobs")
    for order in (body, body.get("defaults"), *(jobs if isinstance(jobs, list) else ())):
        if isinstance(order, dict):
            _stay_here(order, good)
    return case


def _stay_here(order: dict[str, Any], good: bool) -> None:
    for field, here in (("image_url", _LINK), ("webhook_url", _NOBODY)):
        given = order.get(field)
        outside = isinstance(given, str) and given.startswith("http") and len(given) < 2_000
        if outside or (good and given is not None):
            order[field] = here
    files = order.get("openaiFileIdRefs")
    if isinstance(files, list) and good:
        order["openaiFileIdRefs"] = [_LINK for _ in files]
    elif "http" in str(files):
        order["openaiFileIdRefs"] = []


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
        if "cursor" in (case.query or {}):
            return False
        # in such a form, schemathesis sends an object as several fields
        return not (case.media_type == _URLENCODED and "metadata" in body)
    return True
