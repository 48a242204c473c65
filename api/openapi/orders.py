"""What a job may be asked for: made from the table of operations and the models that validate it."""

from collections.abc import Iterable, Mapping
from functools import cache

from pydantic import BaseModel

from api.bodies import KEY_FIELD, WAIT_FIELD
from api.idempotency import LONGEST_KEY
from api.openapi.models import Schema, or_null, tidy
from api.openapi.words import REQUEST
from api.validation import SELECTORS, Envelope
from api.webhook_urls import WEBHOOK_FIELD
from shared.operations import Kind, offered, price
from shared.settings import Settings

Fields = dict[str, Schema]
WAIT: Schema = {"type": ["number", "boolean"], "minimum": 0}
_WAIT_AS_TEXT = r"^(true|false|[0-9]+(\.[0-9]+)?)$"
_NULL: Schema = {"type": "null"}


def order_schema(kind: Kind, settings: Settings) -> Schema:
    """Return what a form of this kind may hold: an object of fields, none of them null."""
    selector = SELECTORS[kind]
    taken = {variant: fields_of(op.options) for variant, op in offered(kind).items()}
    required = {variant: _required(op.options) for variant, op in offered(kind).items()}
    options = _united(taken.values())
    first = next(iter(required.values()))
    always = [name for name in first if all(name in names for names in required.values())]
    fields = {
        **{name: options[name] for name in always},
        selector: _selector(kind, settings),
        **options,
        **envelope_fields(settings),
        **answer_fields(),
    }
    variants = [_variant(selector, variant, taken, required, options) for variant in offered(kind)]
    several = {"anyOf": variants} if any(fields != options for fields in taken.values()) else {}
    return {**closed(described(fields), always), **several}


def envelope_fields(settings: Settings) -> Fields:
    """Return what any job or batch takes besides its operation's options."""
    fields = fields_of(Envelope)
    longest = settings.job_deadline_seconds
    fields["deadline_seconds"]["maximum"] = longest
    fields[WEBHOOK_FIELD]["format"] = "uri"
    return fields


def answer_fields() -> Fields:
    """Return the fields that are about the answer and not about the job."""
    key: Schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY}
    wait = {**WAIT, "type": [*WAIT["type"], "string"], "pattern": _WAIT_AS_TEXT}
    return {WAIT_FIELD: wait, KEY_FIELD: key}


def described(fields: Mapping[str, Schema]) -> Fields:
    """Return fields with what they mean."""
    return {name: {"description": REQUEST[name], **field} for name, field in fields.items()}


def closed(fields: Mapping[str, Schema], required: Iterable[str] = ()) -> Schema:
    """Return an object that takes these fields and no other."""
    told: Schema = {"type": "object", "properties": dict(fields), "additionalProperties": False}
    return {**told, "required": list(required)} if required else told


def nullable(order: Schema) -> Schema:
    """Return a form's schema as that of JSON: there null stands for a field that is not given."""
    required = order.get("required", ())
    fields = {
        name: field if name in required else or_null(field)
        for name, field in order["properties"].items()
    }
    told = {**order, "properties": fields}
    if "anyOf" in order:
        told["anyOf"] = [_variant_or_null(variant, order) for variant in order["anyOf"]]
    return told


def _variant_or_null(variant: Schema, order: Schema) -> Schema:
    required = variant["required"]
    given = {name: {"type": order["properties"][name]["type"]} for name in required}
    fields = {
        name: field if name in required else or_null(field) if field else _NULL
        for name, field in variant["properties"].items()
    }
    return {**variant, "properties": {**given, **fields}}


def fields_of(model: type[BaseModel]) -> Fields:
    """Return a model's fields; None, which stands for a field that is not given, is none of theirs."""
    return {
        name: _without_null(tidy(field)) for name, field in _schema(model)["properties"].items()
    }


def _without_null(field: Schema) -> Schema:
    if "null" not in field.get("type", ""):
        return field
    told = {**field, "type": field["type"][0]}
    if "enum" in field:
        told["enum"] = [value for value in field["enum"] if value is not None]
    return told


def _required(model: type[BaseModel]) -> list[str]:
    required: list[str] = _schema(model).get("required", [])
    return required


@cache
def _schema(model: type[BaseModel]) -> Schema:
    return model.model_json_schema()


def _united(taken: Iterable[Fields]) -> Fields:
    """Return all fields; one whose limits differ takes what any of them takes."""
    united: Fields = {}
    for fields in taken:
        for name, field in fields.items():
            known = united.setdefault(name, field)
            if known != field:
                united[name] = _wider(known, field)
    return united


def _wider(one: Schema, other: Schema) -> Schema:
    if {**one, **_limits(other)} != other:
        return {"anyOf": [one, other]}
    pairs = (_limits(one), _limits(other))
    least, most = min(low["minimum"] for low in pairs), max(high["maximum"] for high in pairs)
    return {**one, "minimum": least, "maximum": most}


def _limits(field: Schema) -> Schema:
    return {name: field[name] for name in ("minimum", "maximum") if name in field}


def _selector(kind: Kind, settings: Settings) -> Schema:
    variants = list(offered(kind))
    prices = ", ".join(
        f"`{variant}` {price(variant, settings.price_overrides) / 1000:g}" for variant in variants
    )
    described = f"{REQUEST[SELECTORS[kind]]} Credits: {prices}."
    return {
        "type": "string",
        "enum": variants,
        "default": variants[0],
        "description": described,
    }


def _variant(
    selector: str,
    variant: str,
    taken: Mapping[str, Fields],
    required: Mapping[str, list[str]],
    options: Fields,
) -> Schema:
    """Return what one variant says differently from all of them together.

    The first variant is also chosen by saying nothing.
    """
    differing = {name: taken[variant].get(name, False) for name in options}
    told = {name: field for name, field in differing.items() if field != options[name]}
    chosen = [] if variant == next(iter(taken)) else [selector]
    return {
        "title": f"{selector} {variant}",
        "properties": {selector: {"type": "string", "enum": [variant]}, **told},
        "required": [*chosen, *required[variant]],
    }
