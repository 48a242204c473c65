"""Read an ordered fault and say what is wrong with it."""

import math

from sandbox.errors import ControlError
from sandbox.faults import KINDS, Fault
from sandbox.wire import OPERATIONS

OPERATION_FILTERS = (*OPERATIONS, "generate", "upscale", "results", "pending", "balance", "account")

_FILTERS = ("count", "operation", "prompt_contains")


def read_fault(order: object) -> Fault:
    """Read a fault from JSON data; raise ControlError naming what is wrong and what is allowed."""
    if not isinstance(order, dict) or str(order.get("kind")) not in KINDS:
        raise ControlError(f"a fault is an object with a kind; kinds: {', '.join(KINDS)}")
    kind = str(order["kind"])
    allowed = ("kind", *_FILTERS, *KINDS[kind])
    if strange := [name for name in order if name not in allowed]:
        raise ControlError(f"unknown {', '.join(strange)}; {kind} takes: {', '.join(allowed)}")
    for name, value in order.items():
        if complaint := _complaint(kind, name, value):
            raise ControlError(f"{name}: {complaint}")
    filters = {name: order[name] for name in _FILTERS if name in order}
    return Fault(kind, options={n: order[n] for n in KINDS[kind] if n in order}, **filters)


def _complaint(kind: str, name: str, value: object) -> str | None:
    """Say what is wrong with one member of an ordered fault."""
    if name == "count" and not (value is None or _is_number(value, whole=True, low=1)):
        return "must be a whole number from 1, or null for every call"
    if name == "operation" and value not in (None, *OPERATION_FILTERS):
        return f"must be one of {', '.join(OPERATION_FILTERS)}"
    if name == "prompt_contains" and not isinstance(value, str | None):
        return "must be a string"
    return _wrong_option(name, value) if name in KINDS[kind] else None


def _wrong_option(name: str, value: object) -> str | None:
    if name in ("html", "charged"):
        return None if isinstance(value, bool) else "must be true or false"
    if name == "status":
        right = _is_number(value, whole=True, low=400, high=599)
        return None if right else "must be a status from 400 to 599"
    return None if _is_number(value, whole=name == "bytes") else "must be a number not below 0"


def _is_number(value: object, *, whole: bool, low: float = 0, high: float = math.inf) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return low <= value <= high and (not whole or isinstance(value, int))
