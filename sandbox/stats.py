"""Count what came in, so that a test can tell how a client behaved."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Stats:
    """Hold the counts since the start or the last reset."""

    calls: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    in_flight: int = 0
    peak_in_flight: int = 0
    rate_limited: int = 0
    # those of them that were no ordered fault
    over_limit: int = 0
    early_polls: int = 0

    def enter(self) -> None:
        """Count a call in."""
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def leave(self) -> None:
        """Count a call out, once the server is done with its answer."""
        self.in_flight -= 1

    def answered(self, operation: str, outcome: str) -> None:
        """Count an answer by operation and status, or `closed` where none was given."""
        self.calls[operation][outcome] += 1
        self.rate_limited += outcome == "429"

    def shown(self) -> dict[str, Any]:
        """Return the counts as JSON data."""
        calls = {operation: dict(outcomes) for operation, outcomes in self.calls.items()}
        return vars(self) | {"calls": calls}
