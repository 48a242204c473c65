"""What each key may take, and all together: the limits that the job store holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.setting_types import Credits, read_json

EVERYBODY = "*"
_EXAMPLE = (
    '{"*": {"requests_per_minute": 60, "queued": 500, "running": 50, "credits_per_day": 2000}}'
)


class KeyLimit(BaseModel):
    """What `KEY_LIMITS` says for one name; what it leaves out is that of `*`, null is no limit."""

    model_config = ConfigDict(frozen=True)

    requests_per_minute: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None
    queued: Annotated[int, Field(strict=True, ge=0)] | None = None
    running: Annotated[int, Field(strict=True, ge=1)] | None = None
    credits_per_day: Credits | None = None

    @model_validator(mode="before")
    @classmethod
    def _refuse_what_is_no_limit(cls, told: object) -> object:
        unknown = sorted(set(told) - set(cls.model_fields)) if isinstance(told, dict) else []
        if unknown:
            raise ValueError(
                f"knows no {unknown[0]!r}; the limits are {', '.join(cls.model_fields)}"
            )
        return told


KeyLimitSetting = Annotated[dict[str, KeyLimit], read_json(_EXAMPLE)]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one owner may take, or None: requests in any minute, jobs, thousandths of a credit a day."""

    requests_per_minute: int | None = None
    queued: int | None = None
    running: int | None = None
    credits_per_day: int | None = None


_NAMES = tuple(each.name for each in fields(Limits))


@dataclass(frozen=True, slots=True)
class KeyLimits:
    """The limits of every owner."""

    everybody: Limits = Limits()
    named: Mapping[str, Limits] = field(default_factory=dict)

    def of(self, owner: str) -> Limits:
        """Return what an owner may take; "" is the open caller."""
        return self.named.get(owner, self.everybody)

    @property
    def running(self) -> str:
        """Return the most jobs that may run, as the job store's scripts take it: "" for no limits."""
        told = {EVERYBODY: self.everybody.running}
        told |= {name: limits.running for name, limits in self.named.items()}
        if not any(told.values()):
            return ""
        return json.dumps({name: -1 if most is None else most for name, most in told.items()})


NO_LIMITS = KeyLimits()


def key_limits(told: Mapping[str, KeyLimit]) -> KeyLimits:
    """Return the limits that a setting tells of."""
    common = told.get(EVERYBODY, KeyLimit())
    named = {
        name: _limits(KeyLimit.model_validate({**_given(common), **_given(limit)}))
        for name, limit in told.items()
        if name != EVERYBODY
    }
    return KeyLimits(_limits(common), named)


def _given(limit: KeyLimit) -> dict[str, object]:
    return {name: getattr(limit, name) for name in limit.model_fields_set}


def _limits(told: KeyLimit) -> Limits:
    values = {name: getattr(told, name) for name in _NAMES}
    if told.credits_per_day is not None:
        values["credits_per_day"] = thousandths(told.credits_per_day)
    return Limits(**values)


def thousandths(credits: Decimal) -> int:
    """Return credits as the job store counts them."""
    return int(credits * 1000)
