"""The sums of docs/capacity.md: `python -m benchmarks.sums` prints its table.

What is measured stands here once; a test holds the document to it.
"""

import math
from dataclasses import dataclass

from benchmarks.figures import table
from shared.moves import Pace
from shared.settings import load_settings

_DAY_SECONDS = 86_400
# Nobody's day is flat: so much more than the mean comes in the busiest hour.
PEAK = 2
# A guess, larger than what the sandbox draws: look at your own.
PICTURE_BYTES = 150_000
# Of `python -m benchmarks.capacity`, on two cores.
RECORD_BYTES = 1_070
WORKER_MS = 18.0
REDIS_MS = 2.4
# accepted alone, and fetched once
API_MS = 4.4 + 1.9
# What a call of generate/core is reckoned to take, and for how many days records are kept.
CALL_SECONDS = 5.0
TTL_DAYS = (7, 90)
JOBS_A_DAY = (10_000, 100_000, 1_000_000, 10_000_000)


@dataclass(frozen=True, slots=True)
class Needs:
    """What so many jobs a day need, each of one call, with PEAK times the mean in the busiest hour."""

    jobs: int

    @property
    def peak_rate(self) -> float:
        """Jobs a second in the busiest hour."""
        return PEAK * self.jobs / _DAY_SECONDS

    @property
    def keys_for_the_mean(self) -> int:
        """Provider keys, when the queue may carry the busiest hour into the night."""
        return math.ceil(self.jobs / _DAY_SECONDS / calls_a_second())

    @property
    def keys(self) -> int:
        """Provider keys, when nobody is to wait for that."""
        return math.ceil(self.peak_rate / calls_a_second())

    @property
    def calls_in_flight(self) -> int:
        """Calls under way at once: rate times duration (Little's law)."""
        return math.ceil(self.peak_rate * CALL_SECONDS)

    @property
    def cores(self) -> float:
        """Cores that are busy in the busiest hour: workers, API, Redis."""
        return self.peak_rate * (WORKER_MS + API_MS + REDIS_MS) / 1000

    def redis_gb(self, days: int) -> float:
        """Memory of the records that are kept, in GB (10^9 bytes)."""
        return self.jobs * days * RECORD_BYTES / 1e9

    @property
    def storage_gb(self) -> float:
        """Pictures of 30 days, in GB."""
        return self.jobs * 30 * PICTURE_BYTES / 1e9


def calls_a_second() -> float:
    """Return how many calls a second the service sends for one key of the provider."""
    settings = load_settings(None)
    return 1000 / Pace.of(settings.provider_rate, settings.provider_rate_guard_ms).interval_ms


def sums() -> str:
    """Return the table of the document."""
    head = [
        "jobs a day",
        "jobs/s: mean, peak",
        "provider keys: mean, peak",
        "calls in flight",
        "busy cores",
        "Redis GB: 7, 90 days",
        "pictures GB a month",
    ]
    return table(head, [_row(Needs(jobs)) for jobs in JOBS_A_DAY])


def _row(needs: Needs) -> list[str]:
    mean = needs.peak_rate / PEAK
    return [
        f"{needs.jobs:,}",
        f"{mean:.2g}, {needs.peak_rate:.2g}" if mean < 10 else f"{mean:.0f}, {needs.peak_rate:.0f}",
        f"{needs.keys_for_the_mean}, {needs.keys}",
        f"{needs.calls_in_flight:,}",
        f"{needs.cores:.1f}",
        ", ".join(f"{needs.redis_gb(days):,.1f}" for days in TTL_DAYS),
        f"{needs.storage_gb:,.0f}",
    ]


if __name__ == "__main__":
    print(sums())
