"""What the tools take and give, made from the service's own document; nothing is listed twice."""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]
# For programs, or for other ways to hand over an image; an assistant has no use for them.
_NOT_FOR_MODELS = {
    *("webhook_url", "metadata", "deadline_seconds", "openaiFileIdRefs", "wait_seconds"),
}
# What every assistant's reading of JSON Schema knows.
_KEPT = (
    *("description", "enum", "default", "minimum", "maximum", "minLength", "maxLength"),
    *("items", "properties"),
)
_JOB = (
    *("job_id", "kind", "status", "message", "image_url", "image", "queue_position", "eta_seconds"),
    *("poll_after_seconds", "credits", "created_at", "expires_at", "error", "error_code"),
)
_IN_A_LIST = ("job_id", "kind", "status", "image_url", "created_at", "error")
_KEY_WORDS = (
    "Leave it out for a new image. When a call broke off or timed out, repeat it with the key that"
    " the answer named, so that nothing is paid twice."
)


def order_fields(document: Mapping[str, Any], name: str) -> Schema:
    """Return the fields of an order as plain schemas; none when the document is not known."""
    told = _component(document, name).get("properties", {})
    fields = {field: _plain(each) for field, each in told.items() if field not in _NOT_FOR_MODELS}
    if "idempotency_key" in fields:
        fields["idempotency_key"]["description"] = _KEY_WORDS
    return fields


def choices(document: Mapping[str, Any], parameter: str) -> list[str]:
    """Return the values that `GET /jobs` takes for a parameter."""
    for each in document.get("paths", {}).get("/jobs", {}).get("get", {}).get("parameters", ()):
        named = _resolved(document, each)
        if named.get("name") == parameter:
            return list(named.get("schema", {}).get("enum", ()))
    return []


def job_schema(document: Mapping[str, Any]) -> Schema:
    """Return the schema of a job as the tools tell of it."""
    return _told_of(document, _JOB)


def jobs_schema(document: Mapping[str, Any]) -> Schema:
    """Return the schema of a list of jobs."""
    items = {"type": "array", "items": _told_of(document, _IN_A_LIST)}
    return {"type": "object", "properties": {"jobs": items}, "required": ["jobs"]}


def shown(job: Mapping[str, Any], *, in_a_list: bool = False) -> dict[str, Any]:
    """Return what the tools tell of a job; an assistant's memory is short."""
    names = _IN_A_LIST if in_a_list else _JOB
    return {name: job[name] for name in names if name in job}


def _told_of(document: Mapping[str, Any], names: tuple[str, ...]) -> Schema:
    fields = _component(document, "Job").get("properties", {})
    known = {name: _whole(document, fields[name]) for name in names if name in fields}
    return {"type": "object", "properties": known}


def _component(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    component: Mapping[str, Any] = document.get("components", {}).get("schemas", {}).get(name, {})
    return component


def _plain(schema: Mapping[str, Any]) -> Schema:
    """Return a field without null, patterns and alternatives: the service looks after those."""
    kind = schema.get("type", "string")
    kind = next(each for each in kind if each != "null") if isinstance(kind, list) else kind
    told = {"type": kind, **{name: schema[name] for name in _KEPT if name in schema}}
    if "enum" in told:
        told["enum"] = [value for value in told["enum"] if value is not None]
    return told


def _whole(document: Mapping[str, Any], schema: Any) -> Any:
    """Return a schema with what it refers to put in its place."""
    if isinstance(schema, list):
        return [_whole(document, each) for each in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {name: _whole(document, each) for name, each in _resolved(document, schema).items()}


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Any = document
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found.get(part, {})
    return {**found, **{name: each for name, each in schema.items() if name != "$ref"}}
