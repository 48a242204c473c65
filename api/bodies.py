"""What a request carries, as plain values: its fields, its files, how long its caller waits."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage

from api.complaints import Complaint, complaint
from shared.errors import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from shared.settings import Settings

# Fits the 45 s that gateways and Custom GPT Actions give a call.
WAIT_TRUE_SECONDS = 40.0
WAIT_FIELD = "wait_seconds"
KEY_FIELD = "idempotency_key"
NO_OPTION = "is not an option here"
MULTIPART = "multipart/form-data"
_OPTIONS = frozenset({"wait", "dry_run"})
_FORMS = frozenset({MULTIPART, "application/x-www-form-urlencoded"})
# More than any request has; each one that is not known costs a sentence.
MOST_FIELDS = 100
# A list of nothing but empty lists takes twenty times its bytes, and seconds in which nobody else is
# answered. A batch of the longest prompts stays below this, unless they consist of commas.
_MOST_JSON_PARTS = 1_000_000
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
# Fields that are objects: a browser can give a part the type of JSON only as it sends a file.
_OBJECTS = frozenset({"metadata"})
_OBJECT_BYTES = 64 * 1024
_PREFER_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?')


@dataclass(frozen=True, slots=True)
class Body:
    """A request's fields and files; `typed` tells JSON, whose values have types, from a form."""

    fields: Mapping[str, Any]
    files: Mapping[str, list[FileStorage]]
    typed: bool


def read_body(request: Request) -> Body:
    """Read a JSON or form body; raise InvalidRequest, PayloadTooLarge or UnsupportedMediaType."""
    body = _read(request)
    if len(body.fields) > MOST_FIELDS:
        raise InvalidRequest([complaint("body", f"must have at most {MOST_FIELDS} fields")])
    return body


def printable(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return JSON fields by names that can be looked for and told.

    Half a character, as "\\ud800", can be in no name that anything here takes or prints.
    """
    return {name.encode(errors="replace").decode(): value for name, value in given.items()}


def _read(request: Request) -> Body:
    if request.mimetype in _FORMS:
        return _form(request)
    if request.is_json:
        return Body(_json(request), {}, typed=True)
    if request.get_data(cache=False):
        raise UnsupportedMediaType("Send application/json or a form")
    return Body({}, {}, typed=True)


def read_dry_run(request: Request) -> tuple[bool, tuple[Complaint, ...]]:
    """Return whether a request only asks what it would cost, and what is wrong with its options."""
    value = request.args.get("dry_run", "false").lower()
    unknown = sorted(request.args.keys() - _OPTIONS)
    faults = [complaint(name, NO_OPTION) for name in unknown]
    if value not in {"true", "false", "1", "0"}:
        faults.append(complaint("dry_run", "must be true or false"))
    return value in {"true", "1"}, tuple(faults)


def _json(request: Request) -> dict[str, Any]:
    data = request.get_data(cache=False)  # it would be held as long as its caller waits
    most = request.max_content_length
    if most is not None and request.content_length is None and len(data) >= most:
        raise PayloadTooLarge("The request is larger than this service takes")  # sent in chunks
    if sum(data.count(mark) for mark in (b"[", b"{", b",")) > _MOST_JSON_PARTS:
        raise PayloadTooLarge("The request has more parts than this service reads")
    if not data.strip():
        return {}
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidRequest([{"field": "body", "error": "The body must be a JSON object"}])
    return printable(parsed)


def _form(request: Request) -> Body:
    if not all(isinstance(name, str) for name in (*request.files, *request.form)):
        raise InvalidRequest([complaint("body", "must be a form whose parts each have a name")])
    files = {name: request.files.getlist(name) for name in request.files}
    given = {name: list(values) for name, values in request.form.lists()}
    for name in _OBJECTS & files.keys():
        given[name] = [*given.get(name, []), *(_text(part) for part in files.pop(name))]
    repeated = [name for name, values in given.items() if len(values) > 1]
    if repeated:
        raise InvalidRequest([complaint(name, "must be given once") for name in repeated])
    # an empty field of a form stands for nothing
    fields = {name: values[0] for name, values in given.items() if values[0]}
    return Body(fields, files, typed=False)


def _text(part: FileStorage) -> str:
    return part.stream.read(_OBJECT_BYTES).decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a caller waits, in seconds, whether it preferred not to, and what it got wrong."""

    seconds: float
    respond_async: bool = False
    faults: tuple[Complaint, ...] = ()

    def checked(self) -> "Patience":
        """Return this when nothing is wrong with it; raise InvalidRequest."""
        if self.faults:
            raise InvalidRequest(list(self.faults))
        return self


def read_patience(
    request: Request, in_body: object, settings: Settings, default: float
) -> Patience:
    """Return how long an answer is to be held: query before body before `Prefer` before default."""
    preferred, respond_async = _preferences(request)
    asked = {"wait": request.args.get("wait"), WAIT_FIELD: in_body}
    read = {name: _seconds(value) for name, value in asked.items() if value is not None}
    faults = tuple(complaint(name, _WRONG) for name, seconds in read.items() if seconds is None)
    if preferred is None and respond_async:
        preferred = 0.0
    seconds = next((s for s in (*read.values(), preferred) if s is not None), default)
    applied = respond_async and seconds == 0
    return Patience(min(seconds, settings.max_wait_seconds), applied, faults)


_WRONG = "must be seconds (0 or more), true or false"


def _seconds(value: object) -> float | None:
    """Return a wait in seconds, or None when it can't be read as one."""
    text = str(value).strip().lower()
    if text in {"true", "false"}:
        return WAIT_TRUE_SECONDS if text == "true" else 0.0
    seconds = float(text) if _NUMBER.fullmatch(text) else -1.0
    return seconds if 0 <= seconds < math.inf else None


def _preferences(request: Request) -> tuple[float | None, bool]:
    """Return RFC 7240's `wait` and `respond-async`; what can't be read is ignored, as it says."""
    wait: float | None = None
    respond_async = False
    for given in request.headers.get("Prefer", "").split(","):
        preference = given.split(";")[0].strip().lower()
        if preference == "respond-async":
            respond_async = True
        elif (match := _PREFER_WAIT.fullmatch(preference)) and wait is None:
            wait = float(match[1])
    return wait, respond_async
