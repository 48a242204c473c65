"""From a body to an order: every fault at once, each naming its field and what is allowed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from api.bodies import KEY_FIELD, WAIT_FIELD, Body
from api.complaints import Complaint, complaint
from api.webhook_urls import LONGEST_URL, webhook_problems
from shared.operations import Kind, Operation, offered
from shared.settings import Settings

M = TypeVar("M", bound=BaseModel)
SELECTORS: dict[Kind, str] = {"generate": "model", "upscale": "mode"}
_METADATA_BYTES = 2_048


def _small(value: dict[str, str]) -> dict[str, str]:
    if len(json.dumps(value, ensure_ascii=False).encode()) > _METADATA_BYTES:
        raise ValueError("too large")
    return value


Metadata = Annotated[dict[str, str], Field(max_length=16), AfterValidator(_small)]


class Envelope(BaseModel):
    """What any job takes besides its operation's options."""

    model_config = ConfigDict(frozen=True)

    metadata: Metadata | None = None
    deadline_seconds: Annotated[int, Field(ge=1)] | None = None
    webhook_url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A valid request: what to buy, with which normalised options; `deadline_seconds` always set."""

    kind: Kind
    operation: Operation
    variant: str
    request: Mapping[str, Any]
    metadata: Mapping[str, str] | None
    deadline_seconds: int
    webhook: str = ""


def read_order(kind: Kind, body: Body, settings: Settings) -> tuple[Order | None, list[Complaint]]:
    """Return the order, or None with everything that is wrong with the body."""
    given = _given(body)
    for name in (WAIT_FIELD, KEY_FIELD):  # the answer's and not the job's: looked at elsewhere
        given.pop(name, None)
    selector, variants = SELECTORS[kind], offered(kind)
    variant = given.pop(selector, next(iter(variants)))
    known = variants.get(variant) if isinstance(variant, str) else None
    operation = known or next(iter(variants.values()))
    if not known:  # nobody can tell yet which of these it would have taken
        taken = {name for other in variants.values() for name in other.options.model_fields}
        for name in taken - operation.options.model_fields.keys():
            given.pop(name, None)
    envelope_fields = {name: given.pop(name) for name in Envelope.model_fields if name in given}

    where = f"{selector} {variant}" if known else kind
    options, wrong_options = _validate(operation.options, given, body.typed, where)
    envelope, wrong_envelope = _envelope(envelope_fields, body.typed, where, settings)
    faults = [*wrong_options, *wrong_envelope]
    if not known:
        faults.append(complaint(selector, f"must be one of {', '.join(variants)}"))
    if faults or options is None or envelope is None:
        return None, faults

    request = {selector: variant, **options.model_dump(exclude_none=True)}
    deadline = envelope.deadline_seconds or settings.job_deadline_seconds
    webhook = envelope.webhook_url or ""
    return Order(kind, operation, str(variant), request, envelope.metadata, deadline, webhook), []


def read_envelope(
    given: dict[str, Any], typed: bool, settings: Settings
) -> tuple[Envelope | None, list[Complaint]]:
    """Return what a batch takes as a whole, or None with everything that is wrong with it."""
    return _envelope(_given(Body(given, {}, typed)), typed, "a batch", settings)


def read_fields(model: type[M], body: Body, where: str) -> tuple[M | None, list[Complaint]]:
    """Return a body of other fields than an order's, or None with everything that is wrong with it."""
    return _validate(model, _given(body), body.typed, where)


def _envelope(
    given: dict[str, Any], typed: bool, where: str, settings: Settings
) -> tuple[Envelope | None, list[Complaint]]:
    envelope, wrong = _validate(Envelope, given, typed, where)
    if envelope is None:
        return None, wrong
    longest = settings.job_deadline_seconds
    if (envelope.deadline_seconds or 0) > longest:
        wrong.append(complaint("deadline_seconds", f"must be an integer from 1 to {longest}"))
    if envelope.webhook_url is not None:
        wrong += webhook_problems(envelope.webhook_url, settings)
    return envelope, wrong


def _given(body: Body) -> dict[str, Any]:
    """Drop what stands for nothing."""
    given = {name: _whole(value) for name, value in body.fields.items() if value is not None}
    if not body.typed and "metadata" in given:
        given["metadata"] = _parsed(given["metadata"])
    return given


def _whole(value: Any) -> Any:
    """Return a number without a fraction as an integer: JSON has only one kind of numbers."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _validate(
    model: type[M], given: dict[str, Any], typed: bool, where: str
) -> tuple[M | None, list[Complaint]]:
    try:
        return model.model_validate(given, strict=typed), []
    except ValidationError as error:
        allowed = _properties(model)
        # one fault a field: a table of sixteen wrong values is one wrong table
        faults = {
            str(fault["loc"][0]): _explain(fault["type"], str(fault["loc"][0]), allowed, where)
            for fault in error.errors(include_url=False, include_context=False)
        }
        return None, list(faults.values())


@cache
def _properties(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return what a model takes; making it takes milliseconds, and a batch may need it for each job."""
    properties: Mapping[str, Any] = model.model_json_schema()["properties"]
    return properties


def _explain(kind: str, field: str, allowed: Mapping[str, Any], where: str) -> Complaint:
    if kind == "extra_forbidden":
        return complaint(field, f"is not taken by {where}; it takes {', '.join(allowed)}")
    if field == "prompt" and kind != "string_too_long":
        return {"field": field, "error": "Prompt is required"}
    return complaint(field, f"must be {_describe(field, allowed[field])}")


def _describe(field: str, schema: Mapping[str, Any]) -> str:
    schema = schema.get("anyOf", [schema])[0]
    if field == "metadata":
        return f"an object of at most 16 strings and {_METADATA_BYTES} bytes"
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if "const" in schema:
        return json.dumps(schema["const"])
    if schema["type"] == "string":
        return f"a string of {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    article = "an integer" if schema["type"] == "integer" else "a number"
    if "maximum" not in schema:
        return f"{article} from {schema['minimum']}"
    return f"{article} from {schema['minimum']} to {schema['maximum']}"
