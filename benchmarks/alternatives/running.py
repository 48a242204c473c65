"""Run the alternatives, each behind the same route and server, on a Redis of its own set as ours is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from shared.embedded_redis import free_port
from tests.redis_server import ROOT, embedded_server

# Callers who wait at once find a thread each, here as in ours.
THREADS = 64
_START_SECONDS = 90
_STOP_SECONDS = 15
_MODULE = "benchmarks.alternatives"
_GEVENT = ("-k", "gevent")


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative: its module, its worker's command if it has a queue, its server's options."""

    name: str
    module: str
    worker: Sequence[str] = ()
    server: Sequence[str] = _GEVENT


_CELERY = (
    f"celery -q -A {_MODULE}.on_celery:queue worker --without-gossip --pool threads -c {THREADS}"
)
# its workers are processes; what they need is imported before they are forked
_RQ = f"rq.cli worker-pool -q -c {_MODULE}.picture -n {THREADS} -w rq.worker.SimpleWorker"
_DRAMATIQ = f"dramatiq {_MODULE}.on_dramatiq --processes 1 --threads {THREADS}"
_HUEY = f"huey.bin.huey_consumer {_MODULE}.on_huey.queue -q -k thread -w {THREADS}"
ALTERNATIVES = (
    Alternative("plain Flask", "plain_app", server=("-k", "gthread", "--threads", str(THREADS))),
    Alternative("Celery", "on_celery", _CELERY.split()),
    Alternative("RQ", "on_rq", _RQ.split()),
    Alternative("Dramatiq", "on_dramatiq", _DRAMATIQ.split()),
    Alternative("Huey", "on_huey", _HUEY.split()),
)


@contextmanager
def alternative(chosen: Alternative, folder: Path, provider: str) -> Iterator[str]:
    """Run one with its files in a folder; give the address of its route."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    environment = {"PROVIDER_URL": provider, "PICTURES": str(pictures)}
    with ExitStack() as stack:
        if chosen.worker:
            url = stack.enter_context(embedded_server(folder / "data"))
            environment |= {"REDIS_URL": url, "RQ_REDIS_URL": url}
            stack.enter_context(running(chosen.worker, folder / "worker.log", environment))
        app = f"{_MODULE}.{chosen.module}:app"
        yield stack.enter_context(serving(app, folder / "web.log", environment, chosen.server))


@contextmanager
def serving(
    app: str,
    log: Path,
    environment: Mapping[str, str],
    options: Sequence[str] = _GEVENT,
    processes: int = 2,
) -> Iterator[str]:
    """Run a Flask app under gunicorn; give the address of its `/generate_image`."""
    port = free_port()
    command = ["gunicorn", "-w", str(processes), "-b", f"127.0.0.1:{port}", "--no-control-socket"]
    with running([*command, *options, app], log, environment):
        address = f"http://127.0.0.1:{port}/generate_image"
        wait_until_it_answers(address)
        yield address


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Python module with its arguments, for as long as the block lasts."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, "API_KEY": "", **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            # with whatever it has started itself
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until_it_answers(address: str) -> None:
    """Return when a server answers, whatever it answers; raises TimeoutError."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end:
        try:
            requests.get(address, timeout=5)
        except requests.RequestException:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{address} does not answer")


@contextmanager
def provider(folder: Path) -> Iterator[str]:
    """Run the stand-in for the provider; give its address."""
    port = free_port()
    with running(["benchmarks.stand_in", str(port)], folder / "provider.log", {}):
        wait_until_it_answers(f"http://127.0.0.1:{port}/")
        yield f"http://127.0.0.1:{port}"
