"""Measure what the sums of docs/capacity.md rest on: `python -m benchmarks.capacity [words]`.

With words: only these of `store`, `disk` and `service`. What a job costs is told in CPU time, which is
the same on a busy machine; a rate is that of this machine at this moment. No part of `make bench`: it
compares nothing.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from benchmarks.filled import PROMPT, REQUEST, Filled, compact, end, filled
from benchmarks.plots import Bars
from benchmarks.processes import cpu_seconds, family, memory_bytes
from benchmarks.report import report
from tests.builders import a_job
from tests.e2e.stack import Stack

JOBS = 2_000
_SECONDS = 5.0
_CALLERS = 32
_DAY_MS = 86_400_000
_PARTS = ("api", "worker", "redis")
_CPU = "ms of CPU time"
# What, how much, of what.
Row = tuple[str, str, str]


def _whole_life(stands: Filled) -> None:
    """Do all that the store does for one job, from its acceptance to its end."""
    job = a_job(request=REQUEST, deadline=_DAY_MS, request_id="a" * 32)
    stands.store.accept(job, 1_000_000)
    end(stands, job)


def store() -> list[Row]:
    """Measure a job's life in the store: CPU time, scripts, memory, bytes written to its file."""
    with tempfile.TemporaryDirectory() as folder, filled(Path(folder) / "store") as stands:
        _whole_life(stands)
        before, begun = _told(stands), time.monotonic()
        with ThreadPoolExecutor(_CALLERS) as pool:
            list(pool.map(lambda _: _whole_life(stands), range(JOBS)))
        seconds = time.monotonic() - begun
        after = _told(stands)
        compact(stands)
        kept = stands.bytes_of_file
    a_job = {name: (after[name] - before[name]) / JOBS for name in before}
    return [
        (
            f"Redis: through their life, {_CALLERS} at once",
            f"{JOBS / seconds:,.0f}",
            "jobs a second",
        ),
        ("Redis: a job's life", f"{a_job['cpu'] * 1000:.2f}", _CPU),
        ("Redis: scripts for it", f"{a_job['scripts']:.1f}", ""),
        ("Redis: memory of a finished job", f"{a_job['memory']:,.0f}", "bytes"),
        ("Redis: its file grows by, for a job", f"{a_job['file']:,.0f}", "bytes"),
        ("Redis: its file holds after a rewrite, for a job", f"{kept / (JOBS + 1):,.0f}", "bytes"),
    ]


def _told(stands: Filled) -> dict[str, float]:
    cpu = stands.redis.info("cpu")
    return {
        "memory": stands.bytes_held,
        "file": stands.bytes_of_file,
        "scripts": stands.redis.info("commandstats")["cmdstat_evalsha"]["calls"],
        "cpu": cpu["used_cpu_user"] + cpu["used_cpu_sys"],
    }


def disk() -> list[Row]:
    """Measure how often a second this disk takes a small write for good."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        descriptor = os.open(Path(folder) / "file", os.O_WRONLY | os.O_CREAT)
        done, end = 0, time.monotonic() + _SECONDS
        while time.monotonic() < end:
            os.write(descriptor, b"x" * 1_000)
            os.fdatasync(descriptor)
            done += 1
        os.close(descriptor)
    return [("disk: writes of 1,000 bytes, each synced", f"{done / _SECONDS:,.0f}", "a second")]


def service() -> list[Row]:
    """Measure what a request and a job cost each part in CPU time, and what the parts hold in memory."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), LOG_LEVEL="WARNING", QUEUE_MAX_JOBS="1000000")
        try:
            stack.start(latency=0.2)
            rows = [_memory(part, family(stack.pid(part))) for part in _PARTS]
            made = stack.generate("a picture to be fetched", output_format="webp").json()
            size = len(stack.get(made["image_url"]).content)
            rows += [("a picture as WebP of the sandbox", f"{size:,}", "bytes")]
            rows += _costs(stack, made["image_url"])
        finally:
            stack.stop()
    return rows


def _costs(stack: Stack, image: str) -> list[Row]:
    batch = {"jobs": [{"prompt": PROMPT, "output_format": "jpeg"}] * 100}
    alone = {"prompt": PROMPT, "output_format": "jpeg"}
    made = _cost(stack, "worker", lambda http: _order(http, stack, "batches?wait=60", batch), 1)
    stack.http.post(f"{stack.base}/operator/pause", timeout=10)
    asked = [
        ("a picture handed out", lambda http: http.get(stack.base + image, timeout=30)),
        ("a job accepted alone", lambda http: _order(http, stack, "generate_image", alone)),
        ("a job of a batch of 100", lambda http: _order(http, stack, "batches", batch)),
    ]
    rows: list[Row] = [("worker: a job, JPEG", f"{made / 100:.1f}", _CPU)]
    for (what, call), times, each in zip(asked, (1000, 500, 20), (1, 1, 100), strict=True):
        rows.append((f"API: {what}", f"{_cost(stack, 'api', call, times) / each:.2f}", _CPU))
    return rows


def _order(http: requests.Session, stack: Stack, path: str, body: object) -> requests.Response:
    return http.post(f"{stack.base}/{path}", json=body, timeout=90)


def _cost(
    stack: Stack, part: str, call: Callable[[requests.Session], requests.Response], times: int
) -> float:
    """Return the CPU time in ms that a part needs for a call; with what it does anyway meanwhile."""
    processes = family(stack.pid(part))
    before = cpu_seconds(processes)
    with requests.Session() as http:
        for _ in range(times):
            call(http).raise_for_status()
    return 1000 * (cpu_seconds(processes) - before) / times


def _memory(part: str, processes: Sequence[int]) -> Row:
    held = memory_bytes(processes) / 1024**2
    return f"{part}: memory, idle, in {len(processes)} processes", f"{held:,.0f}", "MiB"


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "store": store,
    "disk": disk,
    "service": service,
}


def main(words: Sequence[str]) -> None:
    """Measure and report."""
    rows = [
        row
        for name, measure in MEASUREMENTS.items()
        if not words or name in words
        for row in measure()
    ]
    told = {what: float(much) for what, much, of in rows if of == _CPU}
    plot = Bars("What a job costs", _CPU, list(told), {"each": list(told.values())})
    report("capacity", ("what", "figure", "of"), rows, plot if told else None)


if __name__ == "__main__":
    main(sys.argv[1:])
