"""Measure what one key's job waits behind another key's 1,000: `python -m benchmarks.key_wait [jobs]`.

The service of `limit_use`, with two keys. One orders its jobs one by one, so that they stand in the same
lane as those of the other, which then orders a single job every 2 s for 22 s.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from benchmarks.figures import table
from benchmarks.interactive_wait import row, waits
from benchmarks.load import PROVIDER_SECONDS, service, submit_one
from tests.e2e.stack import Stack

_JOBS = 1_000
_KEYS = {"busy": "busy-has-this-key", "single": "single-has-this-key"}
_SENDERS = 8


def call_as(stack: Stack, name: str) -> None:
    """Send whatever follows with a key."""
    stack.http.headers["X-API-Key"] = _KEYS[name]


def main() -> None:
    """Measure with an empty queue, then with a full one; print the table."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else _JOBS
    keys = ",".join(f"{name}:{key}" for name, key in _KEYS.items())
    with service(CLIENT_KEYS=keys) as stack:
        call_as(stack, "single")
        rows = [row("empty", waits(stack), "")]
        call_as(stack, "busy")
        with ThreadPoolExecutor(_SENDERS) as pool:
            list(pool.map(lambda _: submit_one(stack), range(jobs)))
        call_as(stack, "single")
        behind = waits(stack)
        call_as(stack, "busy")
        left = len(stack.get("/jobs", params={"status": "queued", "limit": 100}).json()["jobs"])
        rows.append(row(f"{jobs} of another key", behind, f"{left} or more" if left else "none"))
    columns = ("queue", "to the call: p50, p95, max ms", "to the picture", "left at the end")
    print(table(columns, rows))
    print(f"\nThe provider takes {PROVIDER_SECONDS:.0f} s of each picture's time")


if __name__ == "__main__":
    main()
