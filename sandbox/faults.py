"""Remember what the sandbox was told to do wrong, and to which calls.

A fault is added by `POST /_sandbox/faults`, drawn by chance (`fail_rate`), or asked for by the
prompt itself: a prompt that contains the word-for-word marker `[sandbox:KIND]`, for example
`[sandbox:moderated]` or `[sandbox:cut]`, meets that fault with its usual options.

A fault without `operation` meets the six paid calls only. The free calls must be named:
`results` (a finished picture is asked for), `pending` (one that still cooks), `balance`,
`account`. `generate` and `upscale` stand for all of theirs.
"""

import itertools
import random
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sandbox.errors import ProviderError, error_of
from sandbox.wire import OPERATIONS

Option = bool | float | None

KINDS: dict[str, dict[str, Option]] = {
    # Refused before any work, free of charge.
    "moderated": {},
    "invalid_language": {},
    "public_figure": {},
    "unauthorized": {},
    "payment_required": {},
    "429": {"retry_after": None},
    "status": {"status": 500, "html": False, "charged": False},
    # The picture is made, charged, and not what was asked for.
    "filtered": {},
    "wrong_format": {},
    "wrong_size": {},
    "truncated_image": {},
    # The answer is HTTP in order, but does not say what it should.
    "not_image": {},
    "no_finish_reason": {},
    "empty": {},
    "huge": {"bytes": 64_000_000},
    # The connection misbehaves.
    "slow": {"seconds": 10.0},
    "drip": {"seconds": 5.0},
    "cut": {},
    "reset": {"charged": True},
    "hang": {"seconds": 300.0, "charged": False},
}

_REFUSALS = {
    "moderated": "content_moderation",
    "invalid_language": "invalid_language",
    "public_figure": "public_figure",
    "unauthorized": "unauthorized",
    "payment_required": "payment_required",
    "429": "rate_limit_exceeded",
}
_PICTURE_KINDS = (
    *("filtered", "wrong_format", "wrong_size", "truncated_image"),
    *("not_image", "no_finish_reason", "empty", "huge"),
)
_MARKER = re.compile(r"\[sandbox:([^\]]*)\]")


@dataclass
class Fault:
    """Hold one misdeed; `count` is how many calls it still meets, None for all."""

    kind: str
    id: int = 0
    count: int | None = 1
    operation: str | None = None
    prompt_contains: str | None = None
    options: Mapping[str, Option] = field(default_factory=dict)

    def option(self, name: str) -> Option:
        """Return an option as given, else the kind's usual one, else None."""
        return self.options.get(name, KINDS[self.kind].get(name))

    def number(self, name: str) -> float:
        """Return an option as a number, 0 where the kind has no such option."""
        return float(self.option(name) or 0)

    def meets(self, operation: str, prompt: str) -> bool:
        """Tell whether this fault is meant for a call."""
        if self.prompt_contains is not None and self.prompt_contains not in prompt:
            return False
        if self.operation is None:
            return operation in OPERATIONS
        return self.operation in (operation, operation.partition("/")[0])

    def refusal(self) -> ProviderError | None:
        """Return the refusal that this fault stands for, or None if it lets the call in."""
        if self.kind == "status":
            return error_of(int(self.number("status")), html=bool(self.option("html")))
        if self.kind not in _REFUSALS:
            return None
        wait = self.option("retry_after")
        return ProviderError(
            _REFUSALS[self.kind], retry_after=None if wait is None else float(wait)
        )

    @property
    def spoils_picture(self) -> bool:
        """Tell whether the fault lies in the picture's answer, not in the connection."""
        return self.kind in _PICTURE_KINDS

    @property
    def charged(self) -> bool:
        """Tell whether the call is paid for although it ends badly."""
        return self.kind not in _REFUSALS and self.option("charged") is not False


class Faults:
    """Hold the queue of faults; the first that is meant for a call meets it."""

    def __init__(self) -> None:
        """Begin without faults."""
        self._queue: list[Fault] = []
        self._ids = itertools.count(1)

    def add(self, fault: Fault) -> Fault:
        """Put a fault at the end of the queue and give it a number."""
        fault.id = next(self._ids)
        self._queue.append(fault)
        return fault

    def clear(self) -> None:
        """Forget every fault."""
        self._queue.clear()

    def listed(self) -> list[dict[str, object]]:
        """List the queue as JSON data."""
        return [asdict(fault) for fault in self._queue]

    def take(self, operation: str, prompt: str = "") -> Fault | None:
        """Return the fault of a call, counting it down; a marker in the prompt goes first."""
        if operation in OPERATIONS and (marked := _marked(prompt)):
            return marked
        for fault in self._queue:
            if fault.meets(operation, prompt):
                self._count_down(fault)
                return fault
        return None

    def _count_down(self, fault: Fault) -> None:
        if fault.count is None:
            return
        fault.count -= 1
        if fault.count == 0:
            self._queue.remove(fault)


def chance_fault(rate: float, kinds: tuple[str, ...]) -> Fault | None:
    """Draw a fault for a share `rate` (0..1) of the calls."""
    return Fault(random.choice(kinds)) if kinds and random.random() < rate else None


def _marked(prompt: str) -> Fault | None:
    found = _MARKER.search(prompt)
    if not found:
        return None
    if found[1] not in KINDS:
        raise ProviderError(
            "bad_request", f"prompt: unknown sandbox marker. Expected one of {', '.join(KINDS)}"
        )
    return Fault(found[1])
