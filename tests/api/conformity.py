"""Is an answer what `/openapi.json` allows? Asked of every answer that the API's tests get."""

import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map
from werkzeug.test import TestResponse

from api.openapi.answers import HEADERS
from api.openapi.document import address, build
from shared.settings import load_settings

_NOT_OURS = ("/static/", "/docs/ui/")


def conform(routes: Map, method: str, path: str, answer: TestResponse) -> None:
    """Fail when the document allows no such answer to this request."""
    operation = _operation(routes, method, path)
    if operation is None:
        return
    told = operation["responses"].get(str(answer.status_code))
    assert told, f"{method} {path}: {answer.status_code} is not in the document"
    response = _resolved(told)
    _check_headers(response["headers"], answer)
    if method != "HEAD":
        _check_content(response.get("content", {}), told["$ref"], answer)


def _operation(routes: Map, method: str, path: str) -> dict[str, Any] | None:
    """Return what the document says of a request; None where it says nothing."""
    path = re.split(r"[?#]", path, maxsplit=1)[0]
    try:
        rule, _ = routes.bind("localhost").match(path, method, return_rule=True)
    except HTTPException:  # no address of ours, or not by this method
        return None
    if method == "OPTIONS" or rule.rule.startswith(_NOT_OURS):
        return None
    described: dict[str, Any] = _document()["paths"][address(rule.rule)]
    operation: dict[str, Any] = described["get" if method == "HEAD" else method.lower()]
    return operation


def _check_headers(told: dict[str, Any], answer: TestResponse) -> None:
    required = {name for name, header in told.items() if header.get("required")}
    assert required <= set(answer.headers.keys()), "a header is missing"
    unknown = (HEADERS.keys() & set(answer.headers.keys())) - told.keys()
    assert not unknown, f"{answer.status_code} has {unknown}"


def _check_content(told: dict[str, Any], response: str, answer: TestResponse) -> None:
    if not told:
        assert not answer.get_data()
        return
    assert answer.mimetype in told, f"{answer.status_code} is {answer.mimetype}"
    if answer.mimetype == "application/json":
        faults = [error.message for error in _validator(response).iter_errors(answer.get_json())]
        assert not faults, faults


@cache
def _validator(response: str) -> Draft202012Validator:
    schema = _resolved({"$ref": response})["content"]["application/json"]["schema"]
    return Draft202012Validator({**schema, "components": _document()["components"]})


def _resolved(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _document()["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]
    return found


@cache
def _document() -> dict[str, Any]:
    return build(load_settings(None))
