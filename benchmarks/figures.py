"""Make figures of measurements: use of a limit, quantiles, waste, tables."""

import math
from collections.abc import Sequence
from itertools import pairwise

from shared.setting_types import Rate

# What the provider documents.
LIMIT = Rate(150, 10)


def use(calls: Sequence[float], begin: float, end: float, rate: Rate = LIMIT) -> float:
    """Return the per cent of what a rate allows that was called from begin until end, in seconds."""
    called = sum(begin <= moment < end for moment in calls)
    return 100 * called * rate.seconds / (rate.calls * (end - begin))


def quantile(values: Sequence[float], share: float) -> float:
    """Return the least value that so great a share (0 to 1) of them does not exceed; of none, NaN."""
    if not values:
        return math.nan
    # rounded, since 0.95 of 20 is no whole number to a computer
    rank = math.ceil(round(share * len(values), 6))
    return sorted(values)[max(0, rank - 1)]


def busiest(calls: Sequence[float], seconds: float = LIMIT.seconds) -> int:
    """Return how many calls fell into the fullest window of so many seconds."""
    ordered, first, most = sorted(calls), 0, 0
    for last, moment in enumerate(ordered):
        while ordered[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def lost(calls: Sequence[float], interval: float) -> float:
    """Return how many slots were not used between the first call and the last."""
    return sum(later - earlier - interval for earlier, later in pairwise(sorted(calls))) / interval


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a Markdown table; numbers with a fraction get one digit of it."""
    lines = [list(head), ["---"] * len(head), *([cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """Return a value as tables tell it."""
    return f"{value:.1f}" if isinstance(value, float) else str(value)
