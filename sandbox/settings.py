"""Hold what can be changed while the sandbox runs, and check every change."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sandbox.errors import ControlError
from sandbox.faults import KINDS
from sandbox.limits import Rate


@dataclass(frozen=True)
class Latency:
    """Hold seconds until the answer, and how long a creative upscale cooks after its start."""

    generate: float = 2.0
    upscale: float = 1.0
    creative_start: float = 1.0
    creative_cook: float = 15.0


@dataclass(frozen=True)
class Settings:
    """Hold the sandbox's manners; times are seconds, credits are thousandths."""

    latency: Latency = field(default_factory=Latency)
    jitter: float = 0.5
    travel: float = 0.0
    rate: Rate = field(default_factory=lambda: Rate(150, 10))
    lockout: float = 60.0
    credits: int = 1_000_000_000
    retry_after_header: bool = False
    valid_keys: tuple[str, ...] | None = None
    down: bool = False
    fail_rate: float = 0.0
    fail_kinds: tuple[str, ...] = ("status",)

    def changed(self, changes: Mapping[str, object]) -> "Settings":
        """Return the settings with JSON values put in; raise ControlError naming what is wrong."""
        read: dict[str, Any] = {}
        for name, value in changes.items():
            if name not in _READERS:
                raise ControlError(f"unknown setting {name!r}; allowed: {', '.join(_READERS)}")
            try:
                read[name] = _READERS[name](self, value)
            except ValueError as problem:
                raise ControlError(f"{name}: {problem}") from None
        return replace(self, **read)

    def shown(self) -> dict[str, Any]:
        """Return the settings as JSON data, in the form in which they are given."""
        shown = asdict(self) | {"rate": str(self.rate)}
        del shown["credits"]
        return shown


def number(value: object) -> float:
    """Return a number that is not negative, else raise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise ValueError(f"must be a number not below 0, received {value!r}")
    return float(value)


def flag(value: object) -> bool:
    """Return true or false, else raise ValueError."""
    if value is True or value is False:
        return value
    raise ValueError(f"must be true or false, received {value!r}")


def words(value: object) -> tuple[str, ...]:
    """Return a list of strings as a tuple, else raise ValueError."""
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError(f"must be a list of strings, received {value!r}")
    return tuple(value)


def _latency(now: Settings, value: object) -> Latency:
    """Read one number for all three answers, or numbers by name; cooking goes only by name."""
    if not isinstance(value, Mapping):
        seconds = number(value)
        return replace(now.latency, generate=seconds, upscale=seconds, creative_start=seconds)
    allowed = asdict(now.latency)
    if strange := [name for name in value if name not in allowed]:
        raise ValueError(f"unknown {', '.join(strange)}; allowed: {', '.join(allowed)}")
    return replace(now.latency, **{name: number(seconds) for name, seconds in value.items()})


def _rate(value: object) -> Rate:
    return Rate.parse(str(value))


def _share(value: object) -> float:
    if (share := number(value)) > 1:
        raise ValueError("must be between 0 and 1")
    return share


def _kinds(value: object) -> tuple[str, ...]:
    kinds = words(value)
    if strange := [kind for kind in kinds if kind not in KINDS]:
        raise ValueError(f"unknown {', '.join(strange)}; allowed: {', '.join(KINDS)}")
    return kinds


def _plain(read: Callable[[object], object]) -> Callable[[Settings, object], object]:
    return lambda _now, value: read(value)


_READERS: dict[str, Callable[[Settings, object], object]] = {
    "latency": _latency,
    "jitter": _plain(number),
    "travel": _plain(number),
    "rate": _plain(_rate),
    "lockout": _plain(number),
    "credits": _plain(lambda value: round(number(value) * 1000)),
    "retry_after_header": _plain(flag),
    "valid_keys": _plain(lambda value: None if value is None else words(value)),
    "down": _plain(flag),
    "fail_rate": _plain(_share),
    "fail_kinds": _plain(_kinds),
}
