"""Measure what a single job waits behind 600 batch jobs: `python -m benchmarks.interactive_wait [jobs]`.

The service of `limit_use`. A single job is ordered every 2 s for 22 s, with an empty queue first and
then behind the batches; the use of the limit is told of the time between the first of them and the last.
"""

import sys
import time
from collections.abc import Sequence
from datetime import datetime

from benchmarks.figures import quantile, table, use
from benchmarks.load import PROVIDER_SECONDS, arrivals, service, submit, submit_one
from tests.e2e.stack import Stack

_JOBS = 600
_EVERY_SECONDS = 2.0
_SINGLES = 12
# The first jobs of a batch begin all at once; that is not what is asked here.
_SETTLE_SECONDS = 5.0


def waits(stack: Stack) -> list[tuple[float, float]]:
    """Order the single jobs; return for each the seconds until its call and until its picture."""
    ordered: list[tuple[float, str]] = []
    begin = time.monotonic()
    for number in range(_SINGLES):
        time.sleep(max(0.0, begin + _EVERY_SECONDS * number - time.monotonic()))
        ordered.append((time.time(), submit_one(stack)))
    ended = [(moment, stack.ended(job_id)) for moment, job_id in ordered]
    arrived = arrivals(stack)
    return [
        (
            arrived[job["provider_request_id"]] - moment,
            datetime.fromisoformat(job["finished_at"]).timestamp() - moment,
        )
        for moment, job in ended
    ]


def row(name: str, seconds: Sequence[tuple[float, float]], used: str) -> list[object]:
    """Return the row of the table for the waits of a queue's state, in ms."""
    cells: list[object] = []
    for values in ([call for call, _ in seconds], [picture for _, picture in seconds]):
        told = [quantile(values, 0.5), quantile(values, 0.95), max(values)]
        cells.append(", ".join(f"{value * 1000:.0f}" for value in told))
    return [name, *cells, used]


def main() -> None:
    """Measure with an empty queue, then with a full one; print the table."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else _JOBS
    with service() as stack:
        rows = [row("empty", waits(stack), "")]
        submit(stack, jobs)
        time.sleep(_SETTLE_SECONDS)
        begin = time.time()
        behind = waits(stack)
        calls = list(arrivals(stack).values())
        # what arrived later may not be paid for yet, and only then does the ledger have it
        end = begin + _EVERY_SECONDS * (_SINGLES - 1)
        rows.append(row(f"{jobs} batch jobs", behind, f"{use(calls, begin, end):.1f}"))
        print(table(("queue", "to the call: p50, p95, max ms", "to the picture", "use %"), rows))
        limited = stack.stats()["rate_limited"]
    print(
        f"\nThe provider takes {PROVIDER_SECONDS:.0f} s of each picture's time; {limited} times 429"
    )


if __name__ == "__main__":
    main()
