"""A workshop for tests: everything real but the provider, and what tests ask of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from redis import Redis

from shared.errors import ProviderUnavailable
from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, known
from tests.fakes import ScriptedProvider
from tests.pictures import opened, picture
from worker.arrivals import Arrivals
from worker.leases import Leases
from worker.make_image import make_image
from worker.reach import Reach
from worker.upkeep import Consumer, ProviderWatch, Upkeep
from worker.wire import Outgoing, ProviderImage
from worker.workshop import Provider, Workshop

PICTURE = picture()


class Clock:
    """A clock that stands still unless a test moves it."""

    seconds = 0.0

    def __call__(self) -> float:
        """Return the seconds."""
        return self.seconds


class Reached(ScriptedProvider):
    """A provider whose answers a worker takes note of, as its client does."""

    def __init__(self, reach: Reach, *answers: Any) -> None:
        super().__init__(*answers)
        self._reach = reach

    def balance(self, outgoing: Outgoing) -> int:
        """Give the next answer, thousandths of a credit."""
        try:
            credits = super().balance(outgoing)
        except ProviderUnavailable:
            self._reach.heard("connect_error")
            raise
        self._reach.heard("200")
        return credits


IMAGE = ProviderImage(PICTURE, 7, "q1")


def workshop(services: Services, provider: Provider, **changes: Any) -> Workshop:
    """Return a workshop of the services, with some parts replaced."""
    shop = Workshop(
        settings=services.settings,
        store=services.store,
        images=services.images,
        provider=provider,
        leases=Leases(services.store),
        breaker=services.breaker,
        stopping=threading.Event(),
    )
    return replace(shop, **changes)


def after_a_run(services: Services, job: Job, provider: ScriptedProvider, **changes: Any) -> Job:
    """Return a job as it is after a message for it was worked off."""
    make_image(job.id, workshop(services, provider, **changes))
    return known(services.store, job.id)


def upscale(services: Services, image: bytes = PICTURE, **changes: Any) -> Job:
    """Return an accepted job that enlarges a picture."""
    job = accepted(
        services.store,
        **{
            "kind": "upscale",
            "operation": "upscale/fast",
            "variant": "fast",
            "request": {"output_format": "png"},
            "input": "b" * 22 + ".png",
            "estimate": 2_000,
            **changes,
        },
    )
    services.images.put_input(job.input, image)
    return job


def an_upkeep(
    services: Services,
    accountant: ScriptedProvider | None = None,
    leases: Leases | None = None,
    tend: Callable[[bool], None] = lambda _: None,
    restart: Callable[[], None] = lambda: None,
    reach: Reach | None = None,
    arrivals: Arrivals | None = None,
) -> Upkeep:
    """Return the upkeep of a worker that can't be restarted."""
    consumer = Consumer("w", 200, lambda listens, _: tend(listens), restart)
    held = leases or Leases(services.store)
    watch = ProviderWatch(
        accountant or ScriptedProvider(), reach or Reach(services), arrivals or Arrivals()
    )
    return Upkeep(consumer, services, held, watch)


@contextmanager
def started(upkeep: Upkeep) -> Iterator[Upkeep]:
    """Run an upkeep for as long as the block lasts."""
    upkeep.start()
    try:
        yield upkeep
    finally:
        upkeep.stop()


def pixels_sent(provider: ScriptedProvider) -> bytes:
    """Return the pixels of the picture that came with the last paid call."""
    _, data = provider.calls[-1].parts["image"]
    assert isinstance(data, bytes)
    return opened(data).tobytes()


def ripen(services: Services, redis: "Redis", job: Job) -> None:
    """Let the pause of a job be over."""
    redis.zadd(f"{PREFIX}delayed", {job.id: 1})
    services.store.heartbeat("w", 100, 60_000)
    assert job.id in services.store.dispatch()
