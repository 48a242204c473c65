"""The components of answers: each made from the type that the code answers with."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from api.errors import STATUS
from api.openai.shapes import ModelsView, OpenAIFaultView, PicturesView
from api.openapi.words import ANSWER
from api.shapes import (
    AliveView,
    DryRunView,
    ErasedView,
    FaultView,
    JobsPage,
    PausedView,
    ReadyView,
    UnreadyView,
)
from shared.delivery_views import BatchDeliveriesView, EventView, JobDeliveriesView
from shared.jobs import ID_PATTERN
from shared.views import BatchView, JobView

Schema = dict[str, Any]
_REFERENCE = "#/components/schemas/{model}"
_ROOTS = (
    *(JobView, BatchView, JobsPage, DryRunView, FaultView, AliveView, ReadyView, UnreadyView),
    *(JobDeliveriesView, BatchDeliveriesView, EventView, PausedView, ErasedView),
    *(PicturesView, ModelsView, OpenAIFaultView),
)
_TIMES = (
    *("created_at", "started_at", "finished_at", "expires_at"),
    *("timestamp", "at", "next_try_at", "paused_since"),
)
_ADDRESSES = ("status_url", "events_url", "archive_url", "image_url")
# Narrower than what a Python type says.
_MORE: Mapping[str, Schema] = {
    **{name: {"pattern": ID_PATTERN} for name in ("job_id", "batch_id", "retry_of")},
    **{name: {"format": "date-time"} for name in _TIMES},
    **{name: {"format": "uri-reference"} for name in _ADDRESSES},
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
    schemas = {_public(name): _told(_public(name), each) for name, each in made["$defs"].items()}
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
        told = {name: value for name, value in schema.items() if name == "description"}
        given = {name: value for name, value in schema.items() if name not in told}
        return {**told, "anyOf": [given, {"type": "null"}]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    told = {**schema, "type": [*types, "null"]}
    if "const" in told:
        told["enum"] = [told.pop("const"), None]
    elif "enum" in schema:
        told["enum"] = [*schema["enum"], None]
    return told


def _public(name: str) -> str:
    return name.removesuffix("View")


def _told(component: str, schema: Schema) -> Schema:
    """Return a tidy object whose fields are described."""
    told: Schema = tidy(schema)
    fields = told["properties"]
    told["properties"] = {name: _field(component, name, field) for name, field in fields.items()}
    return told


def _field(component: str, name: str, schema: Schema) -> Schema:
    if name == "error_code":
        code = ref("ErrorCode")
        schema = {"anyOf": [code, {"type": "null"}]} if "null" in schema["type"] else code
    what = ANSWER.get(f"{component}.{name}") or ANSWER[name]
    return {**schema, **_MORE.get(name, {}), "description": what}
