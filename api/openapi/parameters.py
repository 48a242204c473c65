"""What addresses, queries and headers may carry, by the names by which endpoints take them."""

from api.idempotency import HEADER as KEY_HEADER
from api.idempotency import LONGEST_KEY
from api.listing import DEFAULT, MOST
from api.openapi.models import Schema
from api.openapi.orders import WAIT
from shared.batches import STATUSES
from shared.image_store import NAME_PATTERN
from shared.job_index import KINDS
from shared.jobs import ID_PATTERN

_ID: Schema = {"type": "string", "pattern": ID_PATTERN}
_TEXT: Schema = {"type": "string"}
_LIMIT: Schema = {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT}
_KEY: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}


def parameters() -> dict[str, Schema]:
    """Return every parameter; those of a path have the name that its rule gives them."""
    return {
        "job_id": _in_path("job_id", _ID, "The job's id."),
        "batch_id": _in_path("batch_id", _ID, "The batch's id."),
        "model_id": _in_path("model_id", _TEXT, "The model's name, as in the list."),
        "name": _in_path("name", {**_TEXT, "pattern": NAME_PATTERN}, "As in an `image_url`."),
        "wait": _in_query(
            "wait",
            WAIT,
            "Hold the answer until the work has ended, at most so many seconds. `true`: 40.",
        )
        | {"example": 30},
        "dry_run": _in_query("dry_run", {"type": "boolean"}, "Only tell the price and the queue."),
        "of_owner": _filter("owner", _TEXT, "Only the jobs that this client key submitted."),
        "status": _filter("status", {**_TEXT, "enum": list(STATUSES)}, "Only these."),
        "kind": _filter("kind", {**_TEXT, "enum": list(KINDS)}, "Only these."),
        "of_batch": _filter("batch_id", _TEXT, "Only the jobs of this batch."),
        "limit": _in_query("limit", _LIMIT, "How many jobs at most."),
        "cursor": _filter("cursor", _TEXT, "The `next_cursor` of the page before."),
        "download": _in_query("download", _TEXT, "`1`: the image is to be saved, not shown."),
        "prefer": _in_header(
            "Prefer",
            "RFC 7240: `wait=30` as `?wait=30`; `respond-async` asks not to wait.",
        ),
        "idempotency_key": _in_header(
            KEY_HEADER,
            "The same key and the same request within 24 hours give the same work, paid once.",
            _KEY,
        ),
        "last_event_id": _in_header(
            "Last-Event-ID", "The revision that was seen last: only what came later is told."
        ),
        "range": _in_header("Range", "One range of bytes, as `bytes=0-1023`."),
        "if_none_match": _in_header(
            "If-None-Match", "The `ETag` that is known already: 304 when it still holds."
        ),
    }


def _in_path(name: str, schema: Schema, what: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": what, "schema": schema}


def _in_query(name: str, schema: Schema, what: str) -> Schema:
    return {"name": name, "in": "query", "description": what, "schema": schema}


def _filter(name: str, schema: Schema, what: str) -> Schema:
    """Return a parameter that filters a list; empty, it filters nothing."""
    return {**_in_query(name, schema, what), "allowEmptyValue": True}


def _in_header(name: str, what: str, schema: Schema = _TEXT) -> Schema:
    return {"name": name, "in": "header", "description": what, "schema": schema}
