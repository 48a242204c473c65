"""The whole service with two workers, its load, and what its provider saw."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from redis import Redis

from shared.scripts import PREFIX
from tests.e2e.stack import Stack, eventually
from tests.pictures import picture

PROVIDER_SECONDS = 3.0
TRAVEL_SECONDS = 0.05
# Small, so that the sandbox, which shares the machine, draws it in a millisecond.
_PICTURE = picture(32, 32)
_BATCH = 100


@contextmanager
def service(**settings: str) -> Iterator[Stack]:
    """Give the service, started by `python app.py`, with a second worker and a slow provider."""
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder), LOG_LEVEL="WARNING", **settings)
        try:
            stack.start(latency=PROVIDER_SECONDS, travel=TRAVEL_SECONDS)
            with stack.another_worker():
                with Redis.from_url(stack.redis_url) as redis:
                    eventually(lambda: _workers(redis) == 2, what="the second worker")
                yield stack
        finally:
            if stack.process:
                stack.stop()


def submit(stack: Stack, jobs: int) -> None:
    """Order so many jobs in batches of a hundred."""
    for done in range(0, jobs, _BATCH):
        _order(stack, "batches", min(_BATCH, jobs - done))


def submit_one(stack: Stack) -> str:
    """Order a single job; return its id."""
    return str(_order(stack, "upscale_image", 1)["job_id"])


def arrivals(stack: Stack) -> dict[str, float]:
    """Return when each accepted call arrived at the provider (seconds), by its request id."""
    ledger = requests.get(f"{stack.sandbox}/_sandbox/ledger", timeout=30).json()["entries"]
    return {
        entry["request_id"]: datetime.fromisoformat(entry["arrived"]).timestamp()
        for entry in ledger
    }


def _order(stack: Stack, path: str, pictures: int) -> dict[str, Any]:
    files = [("image", (f"{number}.png", _PICTURE)) for number in range(pictures)]
    answer = stack.http.post(f"{stack.base}/{path}", files=files, data={"mode": "fast"}, timeout=60)
    answer.raise_for_status()
    body: dict[str, Any] = answer.json()
    return body


def _workers(redis: "Redis") -> int:
    return int(redis.zcount(f"{PREFIX}workers", time.time() * 1000, "+inf"))
