"""What the page's form offers: each choice, limit and price, read from the table of operations."""

from collections.abc import Mapping
from typing import Any, get_args

from shared.operations import Kind, Operation, offered, price
from shared.settings import Settings
from shared.views import in_credits


def told(settings: Settings) -> dict[str, Any]:
    """Return what the page's scripts need to know, as plain JSON.

    `kinds` maps a kind to its variants, the default first; each has its credits and its fields.
    """
    return {
        "sandbox": settings.sandbox,
        "keys": not settings.open_mode,
        "elsewhere": settings.signed_redirect,
        "most_side": settings.upscale_max_side,
        "most_bytes": settings.max_upload_bytes,
        "most_jobs": settings.most_batch_jobs,
        "kinds": {
            kind: {
                variant: _variant(variant, operation, settings)
                for variant, operation in offered(kind).items()
            }
            for kind in get_args(Kind)
        },
    }


def choices(kind: Kind, field: str) -> list[str]:
    """Return the values that a field of a kind may have, over all of its variants."""
    fields = [_fields(operation).get(field, {}) for operation in offered(kind).values()]
    return list(dict.fromkeys(value for known in fields for value in known.get("enum", [])))


def _variant(variant: str, operation: Operation, settings: Settings) -> dict[str, Any]:
    limits = operation.input
    return {
        "credits": in_credits(price(variant, settings.price_overrides)),
        "fields": _fields(operation),
        "sizes": operation.sizes,
        "enlarges": operation.enlarges,
        "input": limits
        and {
            "min_side": limits.min_side,
            "min_pixels": limits.min_pixels,
            "max_pixels": limits.max_pixels,
            "max_ratio": limits.max_ratio,
        },
    }


def _fields(operation: Operation) -> dict[str, dict[str, Any]]:
    schema = operation.options.model_json_schema()
    required = schema.get("required", [])
    return {
        name: {"required": name in required, **_rule(known)}
        for name, known in schema["properties"].items()
    }


def _rule(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return what JSON Schema says of a field, without its words; what may be null may be left out."""
    rule = known.get("anyOf", [known])[0]
    kept = ("enum", "minimum", "maximum", "maxLength")
    return {name: rule[name] for name in kept if name in rule} | {"default": known.get("default")}
