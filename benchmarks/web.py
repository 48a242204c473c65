"""The API over a Redis of its own, the store behind it, and a worker beside it."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.processes import WORKER, cpu_seconds, memory_bytes, running
from shared.embedded_redis import free_port
from shared.image_store import ImageStore
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.services import build_services
from shared.settings import load_settings
from tests.e2e.stack import eventually
from tests.redis_server import ROOT, embedded_server

_SETTINGS = {
    "MAX_WAIT_SECONDS": "900",
    "IMAGE_WAIT_SECONDS": "900",
    "QUEUE_MAX_JOBS": "1000000",
    "MAX_WAITERS": "6000",
}


@dataclass(frozen=True, slots=True)
class Web:
    """An API that runs, and what its jobs are ended with."""

    port: int
    pids: tuple[int, ...]
    store: JobStore
    index: JobIndex
    images: ImageStore
    redis_url: str
    folder: Path

    def memory(self) -> float:
        """Return the bytes that the processes hold (PSS)."""
        return memory_bytes(self.pids)

    def cpu(self) -> float:
        """Return the seconds of CPU time that the processes have used."""
        return cpu_seconds(self.pids)

    def held(self) -> int:
        """Return how many callers wait, as of the last two seconds."""
        told = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=60).text
        return int(float(re.findall(r"^image_api_callers_waiting (\S+)", told, re.MULTILINE)[0]))


@contextmanager
def web(folder: Path, processes: int = 1, **settings: str) -> Iterator[Web]:
    """Run the API with its data in a folder."""
    port = free_port()
    with embedded_server(folder / "data") as url:
        given = {
            **_SETTINGS,
            "REDIS_URL": url,
            "STORAGE_URL": str(folder / "images"),
            "PORT": str(port),
            "WEB_PROCESSES": str(processes),
            "LOG_FORMAT": "json",
            **settings,
        }
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "api"],
                env={**os.environ, **given, "API_KEY": "", "LIFELINE": "stdin"},
                stdin=subprocess.PIPE,  # it runs as long as that is open
                stdout=log,
                stderr=log,
                cwd=ROOT,
            )
        try:
            eventually(lambda: _answers(port), 60, "the start")
            told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
            loaded = load_settings(None, **{name.lower(): value for name, value in given.items()})
            services = build_services(loaded)
            pids = tuple(int(pid) for pid in told.split())
            yield Web(port, pids, services.store, services.index, services.images, url, folder)
        finally:
            process.terminate()
            process.wait(timeout=60)


@contextmanager
def worker(server: Web, provider: int, **settings: str) -> Iterator[None]:
    """Run a worker for an API, which calls the provider on this port."""
    given = {
        "REDIS_URL": server.redis_url,
        "STORAGE_URL": str(server.folder / "images"),
        "SANDBOX_URL": f"http://127.0.0.1:{provider}",
        **settings,
    }
    with running(WORKER, server.folder / "worker.log", given):
        yield


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5).ok
    except requests.RequestException:
        time.sleep(0.1)
        return False
