"""What requests carry, by name: their schemas, their media types, and examples that work."""

from typing import Any

from api.batch_requests import OWN_FIELDS
from api.bodies import KEY_FIELD, WAIT_FIELD
from api.openai.orders import ImagesRequest, most_images
from api.openapi.models import Schema, ref
from api.openapi.orders import (
    Fields,
    answer_fields,
    closed,
    described,
    envelope_fields,
    fields_of,
    nullable,
    order_schema,
)
from api.sources import REFS_FIELD, URL_FIELD
from api.uploads import FIELD
from shared.halt import LONGEST_REASON
from shared.image_file import CONTENT_TYPES
from shared.settings import Settings

JSON = "application/json"
FORM = "multipart/form-data"
URLENCODED = "application/x-www-form-urlencoded"
_FILE: Schema = {"type": "string", "format": "binary"}
_OF_THE_BATCH = frozenset({WAIT_FIELD, KEY_FIELD})
_REASON: Schema = {
    "type": "string",
    "maxLength": LONGEST_REASON,
    "pattern": r"^[^\u0000-\u001f\u007f\u2028\u2029]*$",
}
_WITH_FILE = frozenset({"Upscale", "Batch"})
_FILE_OF_A_CHAT: Schema = {
    "type": "object",
    "required": ["download_link"],
    "properties": {
        name: {"type": "string"} for name in ("download_link", "id", "name", "mime_type")
    },
}
# Every job needs a prompt: its own, or that of the defaults, which it may not take back.
_PROMPT: Schema = {"properties": {"prompt": {"type": "string"}}}
_PROMPTED: list[Schema] = [
    {
        "title": "each job has a prompt",
        "properties": {"jobs": {"items": {**_PROMPT, "required": ["prompt"]}}},
    },
    {
        "title": "the defaults have a prompt",
        "required": ["defaults"],
        "properties": {
            "defaults": {"type": "object", **_PROMPT, "required": ["prompt"]},
            "jobs": {"items": _PROMPT},
        },
    },
]

# A small red square.
_DOT = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAEAAAABAAQMAAACQp+OdAAAAA1BMVEXcIDyZAqmrAAAAD0"
    "lEQVR42mNgGAWjgHwAAAJAAAHgTR1EAAAAAElFTkSuQmCC"
)

# By body and media type; each is sent to the service by a test.
EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("Generate", JSON): {
        "a prompt": {"prompt": "A magical forest"},
        "all that can be said": {
            "prompt": "A red fox in the snow",
            "negative_prompt": "people, text",
            "model": "sd3.5-medium",
            "aspect_ratio": "16:9",
            "style_preset": "photographic",
            "seed": 42,
            "output_format": "jpeg",
            "metadata": {"order": "4711"},
            "deadline_seconds": 3600,
            "wait_seconds": 30,
            "idempotency_key": "order-4711",
        },
    },
    ("Upscale", JSON): {
        "an image in the request": {"image_url": _DOT},
        "one that is drawn anew": {
            "image_url": _DOT,
            "mode": "conservative",
            "prompt": "A red square",
            "creativity": 0.3,
            "wait_seconds": 30,
        },
    },
    ("Batch", JSON): {
        "three pictures of one style": {
            "defaults": {"style_preset": "line-art", "output_format": "png"},
            "jobs": [{"prompt": "A kite"}, {"prompt": "A boat"}, {"prompt": "A tree", "seed": 7}],
            "metadata": {"page": "12"},
        },
    },
    ("Images", JSON): {
        "an address": {"prompt": "A magical forest", "size": "1536x1024"},
        "three images themselves": {
            "model": "core",
            "prompt": "A magical forest",
            "n": 3,
            "response_format": "b64_json",
            "output_format": "jpeg",
        },
    },
    ("Retry", JSON): {"waited for": {"wait_seconds": 30}},
    ("Redeliver", JSON): {"nothing": {}},
    ("Pause", JSON): {"a reason": {"reason": "We are back at noon"}},
    ("Resume", JSON): {"nothing": {}},
}


def request_schemas(settings: Settings) -> dict[str, Schema]:
    """Return the schemas of all bodies; those of forms take no null."""
    generate, upscale = order_schema("generate", settings), order_schema("upscale", settings)
    return {
        "GenerateRequest": nullable(generate),
        "GenerateForm": generate,
        "UpscaleRequest": _with_source(nullable(upscale)),
        "UpscaleForm": _with_file(upscale, _image(settings)),
        "BatchEntry": _entry(generate),
        "BatchRequest": _batch(settings),
        "BatchForm": _with_file(upscale, _images(settings)),
        "ImagesRequest": _images_request(settings),
        "RetryRequest": nullable(closed(described(answer_fields()))),
        "PauseRequest": nullable(closed(described({"reason": _REASON}))),
        "ResumeRequest": closed({}),
        "RedeliverRequest": nullable(closed(described({KEY_FIELD: answer_fields()[KEY_FIELD]}))),
    }


def request_bodies() -> dict[str, Schema]:
    """Return the request bodies."""
    generate = {JSON: "GenerateRequest", FORM: "GenerateForm", URLENCODED: "GenerateForm"}
    return {
        "Generate": _body("Generate", generate),
        "Upscale": _body("Upscale", {FORM: "UpscaleForm", JSON: "UpscaleRequest"}),
        "Batch": _body("Batch", {JSON: "BatchRequest", FORM: "BatchForm"}),
        "Images": _body("Images", {JSON: "ImagesRequest"}),
        "Retry": _body("Retry", {JSON: "RetryRequest"}, required=False),
        "Pause": _body("Pause", {JSON: "PauseRequest"}, required=False),
        "Resume": _body("Resume", {JSON: "ResumeRequest"}, required=False),
        "Redeliver": _body("Redeliver", {JSON: "RedeliverRequest"}, required=False),
    }


def _body(name: str, schemas: dict[str, str], *, required: bool = True) -> Schema:
    content = {media: _media(name, media, schema) for media, schema in schemas.items()}
    return {"required": required, "content": content}


def _media(body: str, media: str, schema: str) -> Schema:
    told: Schema = {"schema": ref(schema)}
    if media != JSON:  # in a form, an object is sent as JSON
        told["encoding"] = {"metadata": {"contentType": JSON}}
    if media == FORM and body in _WITH_FILE:
        told["encoding"][FIELD] = {"contentType": ", ".join(CONTENT_TYPES.values())}
    examples = EXAMPLES.get((body, media))
    if examples:
        told["examples"] = {name: {"value": value} for name, value in examples.items()}
    return told


def _image(settings: Settings) -> Schema:
    limits = (
        f"No side above {settings.upscale_max_side} pixels,"
        f" at most {settings.max_upload_bytes:,} bytes."
    )
    return {
        **_FILE,
        "description": f"PNG, JPEG or WebP, told by its content; without motion. {limits}",
    }


def _images_request(settings: Settings) -> Schema:
    fields = fields_of(ImagesRequest)
    fields["n"]["maximum"] = most_images(settings)
    return nullable(closed(described(fields), ["prompt"]))


def _images(settings: Settings) -> Schema:
    what = "The images, each as that of an upscale; the other fields are for all of them."
    return {"type": "array", "items": _FILE, "description": what, **_number_of_jobs(settings)}


def _number_of_jobs(settings: Settings) -> Schema:
    return {"minItems": 1, "maxItems": settings.most_batch_jobs}


def _with_source(order: Schema) -> Schema:
    """Return an order in JSON, which names its image in exactly one of two ways."""
    ways = {URL_FIELD: "string", REFS_FIELD: "array"}
    fields = {
        URL_FIELD: {
            "type": ["string", "null"],
            "description": "Where the image is: an http(s) URL, which is fetched at once, a `data:`"
            " URL, or an `image_url` of this service.",
        },
        REFS_FIELD: {
            "type": ["array", "null"],
            "items": {"anyOf": [{"type": "string"}, _FILE_OF_A_CHAT]},
            "minItems": 1,
            "maxItems": 1,
            "description": "What a Custom GPT sends: one file. A string is taken as its link.",
        },
    }
    one = [
        {
            "title": f"with {way}",
            "required": [way],
            "properties": {name: {"type": ways[way] if name == way else "null"} for name in ways},
        }
        for way in ways
    ]
    return {**order, "properties": {**fields, **order["properties"]}, "oneOf": one}


def _with_file(order: Schema, file: Schema) -> Schema:
    fields = {FIELD: file, **order["properties"]}
    return {**order, "properties": fields, "required": [FIELD, *order.get("required", ())]}


def _entry(order: Schema) -> Schema:
    """Return one job of a batch, or what is laid under all of them: nothing is required of it alone."""
    fields: Fields = order["properties"]
    kept = {name: field for name, field in fields.items() if name not in _OF_THE_BATCH}
    return nullable(closed(kept))


def _batch(settings: Settings) -> Schema:
    jobs = {"type": "array", "items": ref("BatchEntry"), **_number_of_jobs(settings)}
    envelope = envelope_fields(settings)
    own = described({**{name: envelope[name] for name in OWN_FIELDS}, **answer_fields()})
    told = {"jobs": jobs, "defaults": ref("BatchEntry")}
    return {**nullable(closed({**described(told), **own}, ["jobs"])), "anyOf": _PROMPTED}
