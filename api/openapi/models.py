"""The components of answers: each made from the type that the code answers with."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from api.errors import STATUS
from api.openapi.words import ANSWER
from api.shapes import AliveView, DryRunView, FaultView, JobsPage, ReadyView, UnreadyView
from shared.jobs import ID_PATTERN
from shared.views import BatchView, JobView

Schema = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_ROOTS = (JobView, BatchView, JobsPage, DryRunView, FaultView, AliveView, ReadyView, UnreadyView)
# Narrower than what a Python type says.
_MORE: Mapping[str, Schema] = {
    **{name: {"pattern": ID_PATTERN} for name in ("job_id", "batch_id", "retry_of")},
    **{name: {"format": "date-time"} for name in ("created_at", "started_at", "finished_at")},
    **{name: {"format": "uri-reference"} for name in ("status_url", "events_url", "image_url")},
    "expires_at": {"format": "date-time"},
    "archive_url": {"format": "uri-reference"},
    "progress": {"minimum": 0, "maximum": 1},
}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": _REFERENCE.format(model=name)}


@cache
def answer_schemas() -> Schema:
    """Return the schemas of all answers, by name; not to be changed."""
    wanted: Any = [(root.__name__, "serialization", TypeAdapter(root)) for root in _ROOTS]
    _, made = TypeAdapter.json_schemas(wanted, ref_template=_REFERENCE)
    schemas = {_public(name): _told(schema) for name, schema in made["$defs"].items()}
    told = {
        "JobFault": "A job that is answered as a fault: it failed, or what was asked can't be done.",
        "BatchFault": "A batch with which what was asked can't be done.",
    }
    for name, description in told.items():
        both = [ref(name.removesuffix("Fault")), ref("Fault")]
        schemas[name] = {"description": description, "allOf": both}
    codes = {"type": "string", "enum": sorted(STATUS), "description": "What can go wrong."}
    return {**schemas, "ErrorCode": codes}


def tidy(schema: Any) -> Any:
    """Return a schema of pydantic's without its titles, with a nullable type told as one type."""
    if isinstance(schema, list):
        return [tidy(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    told = {
        name: tidy(value)
        for name, value in schema.items()
        if not (name == "title" and isinstance(value, str))
    }
    if "$ref" in told:
        told["$ref"] = _public(told["$ref"])
    if told.get("default", "") is None:
        del told["default"]
    match told.get("anyOf"):
        case [{"type": str()} as first, {"type": "null"}]:
            del told["anyOf"]
            return {**or_null(first), **told}
    return told


def or_null(schema: Schema) -> Schema:
    """Return a schema that takes null as well."""
    if "type" not in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    told = {**schema, "type": [*types, "null"]}
    if "enum" in schema:
        told["enum"] = [*schema["enum"], None]
    return told


def _public(name: str) -> str:
    return name.removesuffix("View")


def _told(schema: Schema) -> Schema:
    """Return a tidy object whose fields are described."""
    told: Schema = tidy(schema)
    fields = told["properties"]
    told["properties"] = {name: _field(name, field) for name, field in fields.items()}
    return told


def _field(name: str, schema: Schema) -> Schema:
    if name == "error_code":
        code = ref("ErrorCode")
        schema = {"anyOf": [code, {"type": "null"}]} if "null" in schema["type"] else code
    return {**schema, **_MORE.get(name, {}), "description": ANSWER[name]}
