"""Measure what a single job waits behind others: `python -m benchmarks.queue_wait [words]`.

The whole service with two workers, a provider that takes 3 s, and two client keys. A key orders a single
job every 2 s for 22 s: with an empty queue, behind 600 jobs of its own batches, and behind 1,000 of the
other key, ordered one by one so that they stand in the same lane. With words: only these of `empty`,
`batch` and `key`. It takes two minutes and is no part of `make bench`: it compares nothing.
"""

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from benchmarks.figures import quantile, use
from benchmarks.plots import Bars
from benchmarks.report import progress, report
from benchmarks.service import PROVIDER_SECONDS, arrivals, service, submit, submit_one
from shared.job_index import JobIndex
from shared.moves import Pace
from shared.services import connect
from tests.e2e.stack import Stack, eventually

_BATCH_JOBS, _KEY_JOBS = 600, 1_000
_EVERY_SECONDS = 2.0
_SINGLES = 12
# The first jobs of a batch begin all at once; that is not what is asked here.
_SETTLE_SECONDS = 5.0
_DRAINED_SECONDS = 300
_KEYS = {"busy": "busy-has-this-key", "single": "single-has-this-key"}
_SENDERS = 8
_HEAD = (
    "queue", "to the call, ms: p50", "p95", "max", "to the picture, ms: p50", "p95", "max", "use %",
    "jobs left at the end",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waits:
    """The seconds from each order to its call and to its picture, and the use of the limit meanwhile."""

    queue: str
    calls: Sequence[float]
    pictures: Sequence[float]
    use: float
    left: int

    def ms(self) -> list[list[float]]:
        """Return p50, p95 and the longest of both, in ms."""
        return [
            [1000 * quantile(values, share) for share in (0.5, 0.95, 1)]
            for values in (self.calls, self.pictures)
        ]


def measure(stack: Stack, queue: str) -> Waits:
    """Order the single jobs; return what they waited."""
    begin, ordered = time.time(), []
    for number in range(_SINGLES):
        time.sleep(max(0.0, begin + _EVERY_SECONDS * number - time.time()))
        ordered.append((time.time(), submit_one(stack)))
    # what arrives later may not be paid for yet, and only then does the ledger have it
    end = time.time()
    left = _queued(stack)
    ended = [(moment, stack.ended(job_id)) for moment, job_id in ordered]
    arrived = arrivals(stack)
    return Waits(
        queue,
        [arrived[job["provider_request_id"]] - moment for moment, job in ended],
        [datetime.fromisoformat(job["finished_at"]).timestamp() - moment for moment, job in ended],
        use(list(arrived.values()), begin, end),
        left,
    )


def _queued(stack: Stack) -> int:
    with connect(stack.redis_url) as redis:
        return JobIndex(redis, Pace(1)).depth().waiting


def _call_as(stack: Stack, name: str) -> None:
    stack.http.headers["X-API-Key"] = _KEYS[name]


def _empty(stack: Stack) -> str:
    def drained() -> bool:
        time.sleep(1)
        return not _queued(stack)

    eventually(drained, _DRAINED_SECONDS, "an empty queue")
    time.sleep(PROVIDER_SECONDS)
    return "empty"


def _batch(stack: Stack) -> str:
    submit(stack, _BATCH_JOBS)
    time.sleep(_SETTLE_SECONDS)
    return f"{_BATCH_JOBS} batch jobs"


def _key(stack: Stack) -> str:
    _call_as(stack, "busy")
    with ThreadPoolExecutor(_SENDERS) as pool:
        list(pool.map(lambda _: submit_one(stack), range(_KEY_JOBS)))
    _call_as(stack, "single")
    return f"{_KEY_JOBS} of another key"


QUEUES: dict[str, Callable[[Stack], str]] = {"empty": _empty, "batch": _batch, "key": _key}


def row(waits: Waits) -> list[object]:
    """Return a line of the table."""
    times = [f"{each:.0f}" for three in waits.ms() for each in three]
    return [waits.queue, *times, waits.use, waits.left]


def main(words: Sequence[str]) -> None:
    """Measure with each queue; report."""
    keys = ",".join(f"{name}:{key}" for name, key in _KEYS.items())
    found: list[Waits] = []
    with service(CLIENT_KEYS=keys) as stack:
        _call_as(stack, "single")
        for name in [name for name in QUEUES if name in words] or QUEUES:
            if found:
                _empty(stack)
            found.append(measure(stack, QUEUES[name](stack)))
            progress(*row(found[-1]))
        limited = stack.stats()["rate_limited"]
    series = {
        "to the call, p50": [each.ms()[0][0] for each in found],
        "to the call, longest": [each.ms()[0][2] for each in found],
    }
    plot = Bars("What a single job waits", "ms", [each.queue for each in found], series)
    notes = [
        f"The provider takes {PROVIDER_SECONDS:.0f} s of each picture's time; {limited} times 429."
    ]
    report("queue_wait", _HEAD, list(map(row, found)), plot, notes)


if __name__ == "__main__":
    main(sys.argv[1:])
