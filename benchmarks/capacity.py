"""Measure what the sums of docs/capacity.md rest on: `python -m benchmarks.capacity [words]`.

With words: only these of `store`, `disk` and `service`. What a job costs is told in CPU time, which is
the same on a busy machine; a rate is that of this machine at this moment.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from redis import Redis

from benchmarks.figures import table
from shared.job_store import JobStore
from shared.jobs import Job, new_image_name, new_job_id
from shared.moves import Pace
from shared.services import connect
from tests.e2e.stack import Stack
from tests.redis_server import embedded_server

JOBS = 2_000
_LEASE_MS = 30_000
_SECONDS = 5.0
_CALLERS = 32
_PROMPT = (
    "A lighthouse on a cliff at dusk, long exposure, waves like mist, warm window light, 35mm film"
)
_RESULT = {"format": "webp", "width": 1536, "height": 1536, "bytes": 183_224, "seed": 343_940_597}
_PARTS = ("api", "worker", "redis")
Row = list[str]


def _a_job() -> Job:
    request = {"prompt": _PROMPT, "model": "core", "aspect_ratio": "1:1", "output_format": "webp"}
    return Job(
        id=new_job_id(),
        kind="generate",
        operation="generate/core",
        variant="core",
        request=request,
        image=new_image_name("webp"),
        estimate=3_000,
        created=0,
        deadline=86_400_000,
        request_id="a" * 32,
    )


def _whole_life(store: JobStore) -> None:
    """Do all that the store does for one job, from its acceptance to its end."""
    job = _a_job()
    store.accept(job, 1_000_000)
    store.dispatch()
    store.claim(job.id, "benchmark", _LEASE_MS)
    while store.begin_call(job.id, "benchmark", 10_000).word != "go":
        time.sleep(0.0005)
    store.succeed(
        job.id, provider_ms=4_630, provider_request_id="f" * 32, result=_RESULT, credits=3_000
    )


def store() -> list[Row]:
    """Measure a job's life in the store: CPU time, scripts, memory, bytes written to its file."""
    with tempfile.TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        redis = connect(url)
        jobs = JobStore(redis, Pace(0.01))
        jobs.heartbeat("benchmark", 100_000, 600_000)
        _whole_life(jobs)
        before, size = _told(redis), _bytes(Path(folder))
        begun = time.monotonic()
        with ThreadPoolExecutor(_CALLERS) as pool:
            list(pool.map(lambda _: _whole_life(jobs), range(JOBS)))
        seconds = time.monotonic() - begun
        after, grown = _told(redis), _bytes(Path(folder)) - size
        redis.bgrewriteaof()
        while redis.info("persistence")["aof_rewrite_in_progress"]:
            time.sleep(0.05)
        kept = _bytes(Path(folder))
        a_job = {name: (after[name] - before[name]) / JOBS for name in before}
        redis.connection_pool.disconnect()
    return [
        [f"Redis: jobs through their life, {_CALLERS} at once", f"{JOBS / seconds:,.0f} a second"],
        ["Redis: CPU time for a job's life", f"{a_job['cpu'] * 1000:.2f} ms"],
        ["Redis: scripts for it", f"{a_job['scripts']:.1f}"],
        ["Redis: memory of a finished job", f"{a_job['memory']:,.0f} bytes"],
        ["Redis: its file grows by, for a job", f"{grown / JOBS:,.0f} bytes"],
        ["Redis: its file holds after a rewrite, for a job", f"{kept / (JOBS + 1):,.0f} bytes"],
    ]


def _told(redis: "Redis") -> dict[str, float]:
    cpu = redis.info("cpu")
    return {
        "memory": redis.info("memory")["used_memory"],
        "scripts": redis.info("commandstats")["cmdstat_evalsha"]["calls"],
        "cpu": cpu["used_cpu_user"] + cpu["used_cpu_sys"],
    }


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "appendonlydir").iterdir())


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
    return [["disk: writes of 1,000 bytes, each synced", f"{done / _SECONDS:,.0f} a second"]]


def service() -> list[Row]:
    """Measure what a request and a job cost each part in CPU time, and what the parts hold in memory."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), LOG_LEVEL="WARNING", QUEUE_MAX_JOBS="1000000")
        try:
            stack.start(latency=0.2)
            rows = [["memory, idle: " + part, _memory(stack.pid(part))] for part in _PARTS]
            made = stack.generate("a picture to be fetched", output_format="webp").json()
            size = len(stack.get(made["image_url"]).content)
            rows += [["a picture as WebP of the sandbox", f"{size:,} bytes"]]
            rows += _costs(stack, made["image_url"])
        finally:
            stack.stop()
    return rows


def _costs(stack: Stack, image: str) -> list[Row]:
    batch = {"jobs": [{"prompt": _PROMPT, "output_format": "jpeg"}] * 100}
    alone = {"prompt": _PROMPT, "output_format": "jpeg"}
    made = _cost(stack, "worker", lambda http: _order(http, stack, "batches?wait=60", batch), 1)
    stack.http.post(f"{stack.base}/operator/pause", timeout=10)
    asked = [
        ("a picture handed out", lambda http: http.get(stack.base + image, timeout=30)),
        ("a job accepted alone", lambda http: _order(http, stack, "generate_image", alone)),
        ("a job of a batch of 100", lambda http: _order(http, stack, "batches", batch)),
    ]
    rows: list[Row] = [["worker: CPU time for a job, JPEG", f"{made / 100:.1f} ms"]]
    for (what, call), times, each in zip(asked, (1000, 500, 20), (1, 1, 100), strict=True):
        rows.append(
            [f"API: CPU time for {what}", f"{_cost(stack, 'api', call, times) / each:.2f} ms"]
        )
    return rows


def _order(http: requests.Session, stack: Stack, path: str, body: object) -> requests.Response:
    return http.post(f"{stack.base}/{path}", json=body, timeout=90)


def _cost(
    stack: Stack, part: str, call: Callable[[requests.Session], requests.Response], times: int
) -> float:
    """Return the CPU time in ms that a part needs for a call; with what it does anyway meanwhile."""
    processes = _family(stack.pid(part))
    before = sum(map(_cpu_ms, processes))
    with requests.Session() as http:
        for _ in range(times):
            call(http).raise_for_status()
    return (sum(map(_cpu_ms, processes)) - before) / times


def _cpu_ms(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> str:
    """Return what a process and its children hold of their own."""
    found = _family(pid)
    told = "\n".join(Path(f"/proc/{each}/smaps_rollup").read_text() for each in found).splitlines()
    kib = sum(int(line.split()[1]) for line in told if line.startswith("Pss:"))
    return f"{kib / 1024:,.0f} MiB in {len(found)} processes"


def _family(pid: int) -> list[int]:
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(child for each in told.split() for child in _family(int(each)))]


MEASUREMENTS: dict[str, Callable[[], list[Row]]] = {
    "store": store,
    "disk": disk,
    "service": service,
}


def main(words: list[str]) -> None:
    """Measure and print the table."""
    rows = [
        row
        for name, measure in MEASUREMENTS.items()
        if not words or name in words
        for row in measure()
    ]
    print(table(["what", "figure"], rows))


if __name__ == "__main__":
    main(sys.argv[1:])
