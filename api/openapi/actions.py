"""The short form that a Custom GPT imports: few operations, flat bodies, sentences that a model goes by.

There is no list of jobs in it: all users of a GPT share one key, and would see each other's prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.bodies import KEY_FIELD, WAIT_FIELD
from api.openapi.answers import JSON
from api.openapi.document import SECURITY, TITLE
from api.openapi.models import Schema, answer_schemas, ref
from api.openapi.orders import order_schema
from api.openapi.parameters import parameters
from api.sources import REFS_FIELD, URL_FIELD
from shared.operations import Kind
from shared.settings import Settings
from shared.version import VERSION

# An Action's call may take 45 seconds, there and back.
_LONGEST_WAIT = 40
# Its request and its answer may have 100,000 characters each. The answer repeats both texts, and each of
# their characters may take twelve.
_LONGEST_TEXT = 3_500
_ABOUT = (
    "Makes and enlarges images. Show a finished image by its image_url, as markdown. While status is"
    " queued or running, call getJob with the job_id. When a call fails, tell the user its error."
)
# A model needs other words than a programmer, and simple types.
_FIELDS: dict[str, Schema] = {
    "prompt": {"maxLength": _LONGEST_TEXT},
    "negative_prompt": {"maxLength": _LONGEST_TEXT},
    WAIT_FIELD: {
        "type": "integer",
        "minimum": 0,
        "maximum": _LONGEST_WAIT,
        "description": "Seconds to wait for the image: always send 35.",
    },
    KEY_FIELD: {
        "description": "A new random text for each image that the user asks for; the same text again"
        " when a call is repeated because it failed or timed out, so that nothing is paid twice.",
    },
    REFS_FIELD: {
        "type": "array",
        "items": {"type": "string"},
        "description": "The one image file from this chat to enlarge: PNG, JPEG or WebP.",
    },
    URL_FIELD: {
        "type": "string",
        "description": "Instead of a file: where the image is, as the image_url of an earlier job.",
    },
}
_ORDERS: dict[Kind, tuple[str, ...]] = {
    "generate": (
        *("prompt", "negative_prompt", "model", "aspect_ratio", "style_preset", "seed"),
        *("output_format", WAIT_FIELD, KEY_FIELD),
    ),
    "upscale": (REFS_FIELD, URL_FIELD, "mode", "prompt", "output_format", WAIT_FIELD, KEY_FIELD),
}
EXAMPLES: dict[Kind, Mapping[str, Any]] = {
    "generate": {"prompt": "A red fox in the snow", "aspect_ratio": "16:9", WAIT_FIELD: 35},
    "upscale": {REFS_FIELD: ["https://files.example/a.png"], "mode": "fast", WAIT_FIELD: 35},
}
_SHOWN = {
    "Job": ("job_id", "status", "message", "image_url", "poll_after_seconds", "credits", "error"),
    "Fault": ("error", "error_code"),
}


@dataclass(frozen=True, slots=True)
class _Action:
    """One operation; with `asks` the user is asked each time before it is called."""

    method: str
    path: str
    name: str
    summary: str
    what: str
    body: Kind | None = None
    asks: bool = False


_ACTIONS = (
    _Action(
        "post", "/generate_image", "generateImage", "Make an image from a prompt",
        "When the user wants a new picture. Answers the finished job, or one that goes on: call getJob"
        " then.",
        body="generate",
    ),
    _Action(
        "post", "/upscale_image", "upscaleImage", "Enlarge a small image",
        "When the user wants an image larger or sharper. Mode fast keeps it as it is and takes no"
        " prompt; conservative and creative draw it anew, and need a prompt that says what it shows.",
        body="upscale",
    ),
    _Action(
        "get", "/jobs/{job_id}", "getJob", "Wait for a job and see how it stands",
        "While a job is queued or running. Call it again until status is succeeded, failed or canceled.",
    ),
    _Action(
        "delete", "/jobs/{job_id}", "cancelJob", "Cancel a job that has not ended",
        "Only when the user asks for it.",
        asks=True,
    ),
)  # fmt: skip


def build_actions(settings: Settings) -> Schema:
    """Return the document that a Custom GPT imports from a service with these settings."""
    paths: dict[str, Schema] = {}
    for action in _ACTIONS:
        paths.setdefault(action.path, {})[action.method] = _operation(action, settings)
    schemas = {name: _answer(name, shown) for name, shown in _SHOWN.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": _ABOUT},
        "servers": [{"url": settings.own_url}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": {"bearer": SECURITY["bearer"]}},
        **({"security": [{"bearer": []}]} if not settings.open_mode else {}),
    }


def _operation(action: _Action, settings: Settings) -> Schema:
    told: Schema = {
        "operationId": action.name,
        "summary": action.summary,
        "description": action.what,
        "x-openai-isConsequential": action.asks,
        "responses": {
            "200": _response("The job, done or as it stands.", "Job"),
            "default": _response("It did not work; error says why.", "Fault"),
        },
    }
    if action.body:
        told["responses"]["202"] = _response("The job goes on: call getJob.", "Job")
        media = {"schema": _order(action.body, settings), "example": EXAMPLES[action.body]}
        return {**told, "requestBody": {"required": True, "content": {JSON: media}}}
    wait = {"name": "wait", "in": "query", "schema": _FIELDS[WAIT_FIELD]}
    asked = [wait] if action.method == "get" else []
    return {**told, "parameters": [parameters()["job_id"], *asked]}


def _order(kind: Kind, settings: Settings) -> Schema:
    """Return a flat body: some of the fields, without the rules of how they go together."""
    order = order_schema(kind, settings)
    fields = {
        name: {**order["properties"].get(name, {}), **_FIELDS.get(name, {})}
        for name in _ORDERS[kind]
    }
    told = {"type": "object", "properties": fields, "additionalProperties": False}
    return {**told, "required": order["required"]} if "required" in order else told


def _answer(name: str, shown: tuple[str, ...]) -> Schema:
    """Return an answer's most telling fields, by simple types: null is not among them."""
    fields = answer_schemas()[name]["properties"]
    told = {
        field: {"type": _simple(fields[field]), "description": fields[field]["description"]}
        for field in shown
    }
    return {"type": "object", "properties": told}


def _simple(field: Schema) -> str:
    kind = field.get("type", "string")
    return str(kind[0] if isinstance(kind, list) else kind)


def _response(what: str, schema: str) -> Schema:
    return {"description": what, "content": {JSON: {"schema": ref(schema)}}}
