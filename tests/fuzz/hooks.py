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
from schemathesis.generation.meta import TestPhase
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
# What was made lately, by the path parameter that names it, the newest last.
_made: dict[str, deque[str]] = {name: deque(maxlen=50) for name in ("name", "job_id", "batch_id")}

for _form, _pictures in _PICTURES.items():
    schemathesis.openapi.media_type(f"image/{_form}", strategies.sampled_from(_pictures))


@schemathesis.hook
def after_call(context: HookContext, case: "Case[Any]", response: Response) -> None:
    """Remember what an answer tells of: so many requests would only ask for what there is not."""
    try:
        told = json.loads(response.content)
    except ValueError:
        return
    if isinstance(told, dict) and response.status_code < 300:
        address = told.get("image_url")
        named = {**told, "name": address.rpartition("/")[2] if address else None}
        for name, seen in _made.items():
            if named.get(name):
                seen.append(named[name])


@schemathesis.hook
def map_case(context: HookContext, case: "Case[Any]") -> "Case[Any]":
    """Let a request ask for what there is, not contradict itself, and have no other machine called."""
    good = case.meta is not None and case.meta.generation.mode.is_positive
    if good and case.meta and case.meta.phase.name is not TestPhase.STATEFUL:
        _ask_for_what_there_is(case.path_parameters or {})
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


def _ask_for_what_there_is(path: dict[str, Any]) -> None:
    for name, seen in _made.items():
        if seen and name in path:
            number = sum(map(ord, str(path[name])))
            # some keep asking for what nobody knows
            path[name] = seen[number % len(seen)] if number % 4 else path[name]


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
    if response.status_code == 414:
        return False  # answered before anybody knows the address, as what is no HTTP
    given: Any = case.body
    body = given if isinstance(given, dict) else {}
    if isinstance(failure, AcceptedNegativeData):
        # an empty field of a form stands for nothing
        empty = case.media_type in _FORMS and "" in body.values()
        # only blanks break this pattern; once in some ten thousand times, others are said to
        prompt = "at /properties/prompt" in failure.message and str(body.get("prompt", "")).strip()
        # a default that every job overrides is not looked at
        return not (empty or prompt or "defaults" in body)
    if isinstance(failure, RejectedPositiveData):
        # a cursor must be one that was given out
        if "cursor" in (case.query or {}):
            return False
        # in such a form, schemathesis sends an object as several fields
        return not (case.media_type == _URLENCODED and "metadata" in body)
    return True
