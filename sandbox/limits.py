"""Count each key's calls in a sliding window and lock out the key that goes over."""

import re
from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True)
class Rate:
    """Hold how many calls may arrive in any window of so many seconds."""

    calls: int
    seconds: float

    def __str__(self) -> str:
        """Write the rate as it is read."""
        return f"{self.calls}/{self.seconds:g}s"

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `150/10s`; raise ValueError with a sentence otherwise."""
        found = re.fullmatch(r"(\d+)/(\d+(?:\.\d+)?)s?", text)
        if not found or int(found[1]) < 1 or float(found[2]) <= 0:
            raise ValueError("must look like 150/10s: calls, a stroke, seconds")
        return cls(int(found[1]), float(found[2]))


class RateLimit:
    """Remember arrivals by key. All times are seconds of one clock."""

    def __init__(self) -> None:
        """Begin with no arrivals and nobody locked out."""
        self._arrivals: defaultdict[str, deque[float]] = defaultdict(deque)
        self._locked_until: dict[str, float] = {}

    def seconds_locked(self, key: str, now: float, rate: Rate, lockout: float) -> float:
        """Count an arrival; return 0 if it may pass, else the seconds its key stays locked out.

        A call that is refused is not counted and does not extend the lock-out: what the
        provider does there is not known, and a client must not depend on either.
        """
        left = self._locked_until.get(key, now) - now
        if left > 0:
            return left
        arrivals = self._arrivals[key]
        while arrivals and arrivals[0] <= now - rate.seconds:
            arrivals.popleft()
        if len(arrivals) >= rate.calls:
            self._locked_until[key] = now + lockout
            return lockout
        arrivals.append(now)
        return 0.0
