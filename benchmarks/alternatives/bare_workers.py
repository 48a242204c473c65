"""Workers of `bare_celery`, over a broker and a provider of their own."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from celery import Celery
from redis import Redis

from benchmarks.processes import start, stopped
from benchmarks.provider import Conduct, Provider, provider
from tests.e2e.stack import eventually
from tests.redis_server import embedded_server

# With threads a worker's loop looks at ten of the tasks that its `rate_limit` holds back and then sleeps
# for a second: one task a second. Greenlets have a timer of their own.
_COMMAND = ("celery", "-q", "-A", "benchmarks.alternatives.bare_celery", "worker", "-P", "gevent")
# Of all workers: twice the calls of 3 s that the limit lets be in flight. A worker with more holds
# tasks back that another could start.
_GREENLETS = 100
_START_SECONDS = 90


@contextmanager
def bare_celery(
    workers: int, rate: str, conduct: Conduct
) -> Iterator[tuple[Callable[[int], None], Provider]]:
    """Run workers with this `rate_limit` each; give what submits so many jobs, and the provider."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(embedded_server(folder / "data"))
        with Redis.from_url(url) as redis:
            redis.config_set("appendonly", "no")  # as most who use Celery alone have it
        stands = stack.enter_context(provider(conduct))
        given = {
            "BARE_BROKER": url,
            "BARE_RATE_LIMIT": rate,
            "BARE_PROVIDER": f"http://127.0.0.1:{stands.port}/",
        }
        greenlets = str(_GREENLETS // workers)
        processes = [
            start([*_COMMAND, "-c", greenlets, "-n", f"b{number}@%h"], folder / "log", given)
            for number in range(workers)
        ]
        stack.enter_context(stopped(processes))
        client = Celery("bare", broker=url, set_as_current=False)

        def all_listen() -> bool:
            return len(client.control.ping(timeout=1) or []) == workers

        eventually(all_listen, _START_SECONDS, "the workers")

        def submit(jobs: int) -> None:
            for _ in range(jobs):
                client.send_task("bare.call")

        yield submit, stands
