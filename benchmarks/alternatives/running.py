"""Run the alternatives, each behind the same route and server, on a Redis of its own."""

import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from redis import Redis

from benchmarks.processes import running
from shared.embedded_redis import free_port
from tests.redis_server import embedded_server

# Callers who wait at once find a thread each, here as in ours.
THREADS = 64
_START_SECONDS = 90
_MODULE = "benchmarks.alternatives"
_GEVENT = "-k gevent"


@dataclass(frozen=True, slots=True)
class Alternative:
    """One alternative: its module, its worker's command if it has a queue, its server's options.

    `{}` stands for how many jobs are to be worked on, or held, at once. `synced` says whether its Redis
    syncs every write, as ours, or writes what it does by itself; `polls` that its idle worker asks that
    Redis again and again.
    """

    name: str
    module: str
    worker: str = ""
    server: str = _GEVENT
    synced: bool = True
    polls: bool = False


_CELERY = f"celery -q -A {_MODULE}.on_celery:queue worker --without-gossip --pool threads -c {{}}"
# its workers are processes; what they need is imported before they are forked
_RQ = f"rq.cli worker-pool -q -c {_MODULE}.picture -n {{}} -w rq.worker.SimpleWorker"
_DRAMATIQ = f"dramatiq {_MODULE}.on_dramatiq --processes 1 --threads {{}}"
_HUEY = f"huey.bin.huey_consumer {_MODULE}.on_huey.queue -q -k thread -w {{}}"
# Its workers ask Redis again and again, idle up to a second later: a job would wait for that.
DRAMATIQ_LOOK_MS = 10
_DRAMATIQ_GIVEN = {"dramatiq_worker_timeout": str(DRAMATIQ_LOOK_MS)}
ALTERNATIVES = (
    Alternative("plain Flask", "plain_app", server="-k gthread --threads {}"),
    Alternative("Celery", "on_celery", _CELERY),
    Alternative("Celery, Redis's default", "on_celery", _CELERY, synced=False),
    Alternative("RQ", "on_rq", _RQ),
    Alternative("Dramatiq", "on_dramatiq", _DRAMATIQ, polls=True),
    Alternative("Huey", "on_huey", _HUEY),
)


@contextmanager
def alternative(
    chosen: Alternative, folder: Path, provider: str, threads: int = THREADS, processes: int = 2
) -> Iterator[str]:
    """Run one with its files in a folder; give the address of its route."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    environment = {"PROVIDER_URL": provider, "PICTURES": str(pictures)}
    with ExitStack() as stack:
        if chosen.worker:
            url = stack.enter_context(embedded_server(folder / "data"))
            if not chosen.synced:
                _as_it_comes(url)
            environment |= {"REDIS_URL": url, "RQ_REDIS_URL": url, **_DRAMATIQ_GIVEN}
            worker = chosen.worker.format(threads).split()
            stack.enter_context(running(worker, folder / "worker.log", environment))
        app, options = f"{_MODULE}.{chosen.module}:app", chosen.server.format(threads)
        log = folder / "web.log"
        yield stack.enter_context(serving(app, log, environment, options, processes))


def _as_it_comes(url: str) -> None:
    """Have a Redis write what it does with no settings: no file of each write, a snapshot at times."""
    with Redis.from_url(url) as redis:
        redis.config_set("appendonly", "no")
        redis.config_set("save", "3600 1 300 100 60 10000")


@contextmanager
def serving(
    app: str,
    log: Path,
    environment: Mapping[str, str],
    options: str = _GEVENT,
    processes: int = 2,
) -> Iterator[str]:
    """Run a Flask app under gunicorn; give the address of its `/generate_image`."""
    port = free_port()
    command = ["gunicorn", "-w", str(processes), "-b", f"127.0.0.1:{port}", "--no-control-socket"]
    # by SIGQUIT it does not wait for anybody: all have been answered
    with running([*command, *options.split(), app], log, environment, signal.SIGQUIT):
        address = f"http://127.0.0.1:{port}/generate_image"
        _wait_until_it_answers(address)
        yield address


def _wait_until_it_answers(address: str) -> None:
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
