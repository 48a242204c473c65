"""A process of its own that is killed, by itself, at an exact point of its work.

Started from a fork server, which has imported everything: a death costs some ten milliseconds.
"""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from api.app import create_app
from shared.services import Services, build_services
from shared.settings import Settings
from tests.fakes import RememberingQueue
from worker.leases import Leases
from worker.make_image import make_image
from worker.stability import Stability
from worker.workshop import Workshop

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True)
class Point:
    """Where the process dies: before or after the first call of a method of one of its parts."""

    when: Literal["before", "after"]
    part: Literal["store", "images", "provider", "queue", "os"]
    method: str

    def __str__(self) -> str:
        return f"{self.when} {self.part}.{self.method}"


class Deadly:
    """A part as it is, but for one method by which the process dies."""

    def __init__(self, part: Any, point: Point) -> None:
        self._part, self._point = part, point

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._part, name)
        return _deadly(real, self._point.when) if name == self._point.method else real


def _deadly(real: Callable[..., Any], when: str) -> Callable[..., Any]:
    def call(*args: Any, **fields: Any) -> None:
        if when == "after":
            real(*args, **fields)
        os.kill(os.getpid(), signal.SIGKILL)

    return call


def worker_dies(point: Point, settings: Settings, job_id: str) -> None:
    """Have a worker of its own run a job, and return when it is dead."""
    _die(_work, point, settings, job_id)


def api_dies(point: Point, settings: Settings, path: str, body: dict[str, Any]) -> None:
    """Have an API of its own take a request, and return when it is dead."""
    _die(_serve, point, settings, path, body)


def _die(target: Callable[..., None], *args: Any) -> None:
    process = _processes.Process(target=target, args=args)
    process.start()
    process.join(20)
    assert process.exitcode == -signal.SIGKILL, "it lives on, or died of something else"


def _work(point: Point, settings: Settings, job_id: str) -> None:
    services = _deadly_services(point, settings)
    provider: Any = Stability(settings.provider_url, 10)
    shop = Workshop(
        settings=settings,
        store=services.store,
        images=services.images,
        provider=Deadly(provider, point) if point.part == "provider" else provider,
        leases=Leases(services.store),
        breaker=services.breaker,
        stopping=threading.Event(),
    )
    make_image(job_id, shop)


def _serve(point: Point, settings: Settings, path: str, body: dict[str, Any]) -> None:
    create_app(_deadly_services(point, settings)).test_client().post(path, json=body)


def _deadly_services(point: Point, settings: Settings) -> Services:
    services = build_services(settings, RememberingQueue())
    if point.part == "os":
        setattr(os, point.method, _deadly(getattr(os, point.method), point.when))
    elif point.part != "provider":
        deadly: Any = Deadly(getattr(services, point.part), point)
        return replace(services, **{point.part: deadly})
    return services
