"""Name what the sandbox borrows from the process around it, so that a test can lend its own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

T = TypeVar("T")


class Compute(Protocol):
    """Run heavy work, perhaps elsewhere, and wait for it."""

    def __call__(self, work: Callable[[], T], /) -> T:
        """Return what the work returns."""


def compute_here(work: Callable[[], T], /) -> T:
    """Run the work on the spot."""
    return work()


@dataclass(frozen=True)
class Host:
    """Hold a clock, a way to wait, and a place for heavy work; times are seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    compute: Compute = compute_here
