"""Measure the service's use of the provider's limit: `python -m benchmarks.limit_use [jobs] [drawn]`.

Two workers, 600 jobs in batches of a hundred, a provider that takes 3 s and up to 50 ms of travel. The
calls are those that the sandbox accepted, at the moments at which they arrived there. The jobs enlarge
small pictures; `drawn`: they make pictures, whose drawing takes the sandbox a core of the machine.
"""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from redis import Redis

from benchmarks.figures import LIMIT, busiest, lost, quantile, table, use
from benchmarks.load import arrivals, service, submit, wait_for_all
from shared.moves import Pace
from shared.scripts import PREFIX

GUARD_MS = 300
_JOBS = 600
_PHASE_SECONDS = 10.0
_LOOK_SECONDS = 0.02


class SlotWatch:
    """Look now and then how far ahead slots are taken; below 0 nobody asked and slots pass by."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._over = threading.Event()
        self.seen: list[tuple[float, float]] = []

    def run(self) -> None:
        """Look until it is over."""
        while not self._over.wait(_LOOK_SECONDS):
            seconds, micros = self._redis.time()
            reach = float(self._redis.get(f"{PREFIX}pace:next") or 0)
            now = seconds + micros / 1_000_000
            self.seen.append((now, reach - now * 1000))

    def stop(self) -> None:
        """Look no more."""
        self._over.set()


@contextmanager
def watching(url: str) -> Iterator[SlotWatch]:
    """Watch the slots of a server meanwhile."""
    with Redis.from_url(url, decode_responses=True) as client:
        watch = SlotWatch(client)
        thread = threading.Thread(target=watch.run)
        thread.start()
        try:
            yield watch
        finally:
            watch.stop()
            thread.join()


def phases(calls: Sequence[float], seen: Sequence[tuple[float, float]]) -> list[list[object]]:
    """Return a row for each ten seconds and one for the whole run; `seen` is a SlotWatch's."""
    begin, end = min(calls), max(calls)
    bounds = [begin + _PHASE_SECONDS * number for number in range(int((end - begin) / 10) + 1)]
    # the last whole phase ends with the run
    bounds[-1] = end
    spans = [*pairwise(bounds), (begin, end)]
    return [_row(calls, first, last, begin, seen) for first, last in spans]


def _row(
    calls: Sequence[float],
    first: float,
    last: float,
    begin: float,
    seen: Sequence[tuple[float, float]],
) -> list[object]:
    inside = [moment for moment in calls if first <= moment <= last]
    interval = Pace.of(LIMIT, GUARD_MS).interval_ms / 1000
    ahead = [ms for moment, ms in seen if first <= moment < last] or [0.0]
    return [
        f"{first - begin:.0f} to {last - begin:.0f} s",
        len(inside),
        use(calls, first, last),
        lost(inside, interval),
        f"{quantile(ahead, 0.05):.0f}, {quantile(ahead, 0.5):.0f}",
        100 * sum(ms < 0 for ms in ahead) / len(ahead),
    ]


def main() -> None:
    """Run the jobs and print the table."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else _JOBS
    with service() as stack, watching(stack.redis_url) as watch:
        begun = time.monotonic()
        wait_for_all(stack, submit(stack, jobs, drawn="drawn" in sys.argv), seconds=jobs / 5)
        seconds = time.monotonic() - begun
        calls, stats = list(arrivals(stack).values()), stack.stats()
    head = (
        "phase",
        "calls",
        "use %",
        "slots lost",
        "ms taken ahead: 5 %, median",
        "% nobody asked",
    )
    print(table(head, phases(calls, watch.seen)))
    allowed = 100 * LIMIT.seconds / (LIMIT.seconds + GUARD_MS / 1000)
    print(f"\n{jobs} jobs in {seconds:.1f} s; {stats['rate_limited']} times 429; at most")
    print(f"{busiest(calls)} calls in any 10 s; the guard of {GUARD_MS} ms allows {allowed:.1f} %")


if __name__ == "__main__":
    main()
