"""What the doctor finds, and how checks are made side by side within a few seconds."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

# One check that hangs, at a folder or a host that never answers, keeps no other waiting.
PATIENCE_SECONDS = 8.0
_SIGNS = {"ok": "✓", "note": "!", "wrong": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing: "ok", worth a "note", or "wrong", and then how to mend it."""

    about: str
    level: Literal["ok", "note", "wrong"]
    told: str
    mend: str = ""

    def __str__(self) -> str:
        """Return it as a person reads it."""
        mend = f"\n      → {self.mend}" if self.mend else ""
        return f"  {_SIGNS[self.level]} {self.about:<9} {self.told}{mend}"


Check = Callable[[], Iterable[Finding]]


def ok(about: str, told: str) -> Finding:
    """Return that a thing is as it should be."""
    return Finding(about, "ok", told)


def note(about: str, told: str, mend: str = "") -> Finding:
    """Return what a person should know, and may leave as it is."""
    return Finding(about, "note", told, mend)


def wrong(about: str, told: str, mend: str) -> Finding:
    """Return what keeps the service from its work, or endangers what it holds."""
    return Finding(about, "wrong", told, mend)


def examine(checks: Mapping[str, Check], seconds: float = PATIENCE_SECONDS) -> list[Finding]:
    """Make checks side by side; return what they found in their order, one at least for each."""
    found: dict[str, list[Finding]] = {}

    def make(about: str, check: Check) -> None:
        try:
            found[about] = list(check())
        except Exception as error:  # noqa: BLE001 - what a check stumbles over is a finding
            # the name alone: the text of an error may hold an address with its password
            told = f"can't be checked ({type(error).__name__})"
            found[about] = [wrong(about, told, "see the log of the service")]

    threads = [
        threading.Thread(target=make, args=item, name=item[0], daemon=True)
        for item in checks.items()
    ]
    for thread in threads:
        thread.start()
    end = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0, end - time.monotonic()))
    late = [wrong("", f"no answer within {seconds:.0f} s", "is a disk or a host of it away?")]
    return [
        each if each.about else wrong(about, each.told, each.mend)
        for about in checks
        for each in found.get(about, late)
    ]
