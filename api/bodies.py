"""What a request carries, as plain values: its fields, its files, how long its caller waits."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage

from shared.errors import InvalidRequest, UnsupportedMediaType
from shared.settings import Settings

# Fits the 45 s that gateways and Custom GPT Actions give a call.
WAIT_TRUE_SECONDS = 40.0
WAIT_FIELD = "wait_seconds"
_FORMS = frozenset({"multipart/form-data", "application/x-www-form-urlencoded"})
_PREFER_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?')


@dataclass(frozen=True, slots=True)
class Body:
    """A request's fields and files; `typed` tells JSON, whose values have types, from a form."""

    fields: Mapping[str, Any]
    files: Mapping[str, list[FileStorage]]
    typed: bool


def read_body(request: Request) -> Body:
    """Read a JSON or form body; raise InvalidRequest or UnsupportedMediaType."""
    if request.mimetype in _FORMS:
        return _form(request)
    if request.is_json:
        return Body(_json(request), {}, typed=True)
    if request.get_data(cache=True):
        raise UnsupportedMediaType("Send application/json or a form")
    return Body({}, {}, typed=True)


def _json(request: Request) -> dict[str, Any]:
    data = request.get_data(cache=True)
    if not data.strip():
        return {}
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidRequest([{"field": "body", "error": "The body must be a JSON object"}])
    # half a character, as "\ud800", can be in no name that anything here takes or prints
    return {name.encode(errors="replace").decode(): value for name, value in parsed.items()}


def _form(request: Request) -> Body:
    repeated = [name for name, values in request.form.lists() if len(values) > 1]
    if repeated:
        faults = [{"field": name, "error": f"{name} must be given once"} for name in repeated]
        raise InvalidRequest(faults)
    files = {name: request.files.getlist(name) for name in request.files}
    # an empty field of a form stands for nothing
    fields = {name: value for name, value in request.form.items() if value}
    return Body(fields, files, typed=False)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits, in seconds, and whether it preferred not to."""

    seconds: float
    respond_async: bool = False


def read_patience(
    request: Request, in_body: object, settings: Settings, default: float
) -> Patience:
    """Return how long an answer is to be held: query before body before `Prefer` before default."""
    asked = request.args.get("wait")
    preferred, respond_async = _preferences(request)
    if asked is not None:
        seconds = read_seconds("wait", asked)
    elif in_body is not None:
        seconds = read_seconds(WAIT_FIELD, in_body)
    elif preferred is not None:
        seconds = preferred
    elif respond_async:
        seconds = 0.0
    else:
        seconds = default
    applied = respond_async and seconds == 0
    return Patience(min(seconds, settings.max_wait_seconds), applied)


def read_seconds(name: str, value: object) -> float:
    """Return a wait in seconds; true means 40, false none; raise InvalidRequest."""
    text = str(value).strip().lower()
    if text in {"true", "false"}:
        return WAIT_TRUE_SECONDS if text == "true" else 0.0
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not math.isfinite(seconds) or seconds < 0:
        error = f"{name} must be seconds (0 or more), true or false"
        raise InvalidRequest([{"field": name, "error": error}])
    return seconds


def _preferences(request: Request) -> tuple[float | None, bool]:
    """Return RFC 7240's `wait` and `respond-async`; what can't be read is ignored, as it says."""
    wait: float | None = None
    respond_async = False
    for given in ",".join(request.headers.getlist("Prefer")).split(","):
        preference = given.split(";")[0].strip().lower()
        if preference == "respond-async":
            respond_async = True
        elif (match := _PREFER_WAIT.fullmatch(preference)) and wait is None:
            wait = float(match[1])
    return wait, respond_async
