"""Read one call: check its form against the operation's table and settle every default."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sandbox.errors import ProviderError
from sandbox.sizes import Size
from sandbox.wire import MAX_SEED, Choice, Field, Number, Operation, Picture, Text

Value = str | float
Measure = Callable[[bytes], Size | None]


@dataclass(frozen=True)
class Form:
    """Hold the parts of a multipart body by name; a part may come more than once."""

    texts: Mapping[str, Sequence[str]]
    files: Mapping[str, Sequence[bytes]]


@dataclass(frozen=True)
class Call:
    """Hold a call that passed every check, with defaults filled in and the seed chosen."""

    operation: Operation
    values: Mapping[str, Value]
    fields: Mapping[str, str]
    upload: bytes | None = None
    upload_size: Size | None = None

    @property
    def model(self) -> str:
        """Return the model that does the work."""
        return self.operation.model(self.values)

    @property
    def price(self) -> int:
        """Return the price in thousandths of a credit."""
        return self.operation.prices[self.model]

    @property
    def prompt(self) -> str:
        """Return the prompt, empty where the operation takes none."""
        return str(self.values.get("prompt", ""))

    @property
    def seed(self) -> int:
        """Return the seed in use."""
        return int(self.values["seed"])

    @property
    def format(self) -> str:
        """Return the asked format: png, jpeg or webp."""
        return str(self.values["output_format"])


def read_call(operation: Operation, form: Form, measure: Measure, errors: list[str]) -> Call:
    """Check everything and return the call; raise one 400 that lists all that is wrong.

    `measure` returns a picture's width and height or None if it cannot be decoded;
    `errors` are complaints that were found before the form was read.
    """
    errors = errors + _strangers(operation, form)
    given: dict[str, Value | Size] = {}
    for name, field in operation.fields.items():
        try:
            value = _read(name, field, form, measure)
        except ValueError as complaint:
            errors.append(f"{name}: {complaint}")
        else:
            given |= {} if value is None else {name: value}
    if errors := errors or operation.rules(given):
        raise ProviderError("bad_request", *errors)
    return _settle(operation, form, given)


def _settle(operation: Operation, form: Form, given: dict[str, Value | Size]) -> Call:
    defaults = {
        name: field.default
        for name, field in operation.fields.items()
        if isinstance(field, Choice | Number) and field.default is not None
    }
    size = given.pop("image", None)
    values = {**defaults, **{name: v for name, v in given.items() if not isinstance(v, tuple)}}
    values["seed"] = values.get("seed") or random.randint(1, MAX_SEED)
    if size is not None and "aspect_ratio" not in given:
        values.pop("aspect_ratio", None)
    return Call(
        operation,
        values,
        {name: parts[0] for name, parts in form.texts.items()},
        form.files["image"][0] if size is not None else None,
        size if isinstance(size, tuple) else None,
    )


def _strangers(operation: Operation, form: Form) -> list[str]:
    """Name parts that the operation does not know: the real service would ignore them."""
    names = [*form.texts, *(name for name in form.files if not _stray(name, form))]
    return [f"{name}: unknown field" for name in names if name not in operation.fields]


def _stray(name: str, form: Form) -> bool:
    """Recognise the empty `none` part by which the provider's own samples force multipart."""
    return name == "none" and not any(form.files[name])


def _read(name: str, field: Field, form: Form, measure: Measure) -> Value | Size | None:
    texts, files = form.texts.get(name, ()), form.files.get(name, ())
    if len(texts) + len(files) > 1:
        raise ValueError("sent more than once")
    if isinstance(field, Picture):
        if texts:
            raise ValueError("must be sent as a file")
        return _read_picture(field, files[0] if files else None, measure)
    if files:
        raise ValueError("must be sent as text, not as a file")
    return _read_text(field, texts[0] if texts else None)


def _read_text(field: Text | Choice | Number, text: str | None) -> Value | None:
    if text is None:
        if isinstance(field, Text) and field.required:
            raise ValueError("required")
        return None
    if not text:
        raise ValueError("must not be empty")
    if isinstance(field, Text):
        return _within_length(field, text)
    return _one_of(field, text) if isinstance(field, Choice) else _within_range(field, text)


def _within_length(field: Text, text: str) -> str:
    if len(text) > field.limit:
        raise ValueError(f"must contain at most {field.limit} character(s)")
    return text


def _one_of(field: Choice, text: str) -> str:
    if text not in field.options:
        expected = " | ".join(f"'{option}'" for option in field.options)
        raise ValueError(f"invalid enum value. Expected {expected}, received '{text}'")
    return text


def _within_range(field: Number, text: str) -> float:
    if not re.fullmatch(r"-?\d{1,20}" if field.whole else r"-?\d{1,20}(\.\d{1,20})?", text):
        raise ValueError(f"expected {'an integer' if field.whole else 'a number'}")
    number = int(text) if field.whole else float(text)
    if not field.low <= number <= field.high:
        raise ValueError(f"must be between {field.low:.10g} and {field.high:.10g}")
    return number


def _read_picture(field: Picture, data: bytes | None, measure: Measure) -> Size | None:
    if data is None:
        if field.required:
            raise ValueError("required")
        return None
    size = measure(data)
    if size is None:
        raise ValueError("cannot be decoded as image/jpeg, image/png or image/webp")
    if complaint := _wrong_size(field, size):
        raise ValueError(complaint)
    return size


def _wrong_size(field: Picture, size: Size) -> str | None:
    pixels = size[0] * size[1]
    if not _between(field.sides, min(size)) or not _between(field.sides, max(size)):
        return f"width and height must be {_range(field.sides)} pixels each"
    if not _between(field.pixels, pixels):
        return f"total pixels must be {_range(field.pixels)}, received {pixels}"
    if field.widest and max(size) > field.widest * min(size):
        return f"aspect ratio must be between 1:{field.widest} and {field.widest}:1"
    return None


def _between(limits: tuple[int, int | None], number: int) -> bool:
    low, high = limits
    return low <= number and (high is None or number <= high)


def _range(limits: tuple[int, int | None]) -> str:
    low, high = limits
    return f"at least {low}" if high is None else f"between {low} and {high}"
