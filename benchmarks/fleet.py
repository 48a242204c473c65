"""Workers of the service, as many as asked for, and a provider that costs next to nothing."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import WORKER, family, start, stopped
from benchmarks.provider import Conduct, Provider, provider
from shared.queue import dispatch
from shared.services import Services, build_services, connect
from shared.settings import load_settings
from tests.builders import a_batch, a_job
from tests.e2e.stack import eventually
from tests.redis_server import embedded_server

_START_SECONDS = 90
_QUEUE = 1_000_000
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Fleet:
    """Workers that run, the provider that they call, and the services of who submits to them."""

    provider: Provider
    services: Services
    workers: tuple[int, ...]
    redis: int

    def submit(self, jobs: int, prompt: str = "a fox") -> None:
        """Accept jobs and send what can start, as the API does: one alone, more as a batch."""
        given: dict[str, Any] = {
            "deadline": _DAY_MS,
            "request": {"prompt": prompt, "aspect_ratio": "1:1", "output_format": "webp"},
        }
        if jobs == 1:
            self.services.store.accept(a_job(**given), _QUEUE)
        else:
            self.services.store.accept_batch(*a_batch(jobs, **given), _QUEUE)
        dispatch(self.services.store, self.services.queue)

    def succeeded(self) -> int:
        """Return how many jobs have ended with their picture."""
        return self.services.registrar.take().jobs["generate", "succeeded"]

    def counts(self) -> dict[str, int]:
        """Return what the store has counted, as JobIndex.counts."""
        return self.services.index.counts()


@contextmanager
def fleet(workers: int, conduct: Conduct, **settings: str) -> Iterator[Fleet]:
    """Run so many workers and their provider over a Redis of their own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(embedded_server(folder / "data"))
        stands = stack.enter_context(provider(conduct))
        given = {
            "REDIS_URL": url,
            "SANDBOX_URL": f"http://127.0.0.1:{stands.port}",
            "STORAGE_URL": str(folder / "saved_images"),
            "DATA_DIR": str(folder / "data"),
            "LOG_LEVEL": "WARNING",
            **settings,
        }
        processes = [
            start([*WORKER, "-n", f"w{number}@%h"], folder / "log", given)
            for number in range(workers)
        ]
        stack.enter_context(stopped(processes))
        services = build_services(
            load_settings(None, **{name.lower(): value for name, value in given.items()})
        )
        eventually(lambda: len(services.index.workers()) == workers, _START_SECONDS, "the workers")
        pids = tuple(pid for process in processes for pid in family(process.pid))
        with connect(url) as redis:
            server = int(redis.info("server")["process_id"])
        yield Fleet(stands, services, pids, server)
