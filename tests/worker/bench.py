"""A workshop for tests: everything real but the provider, and what tests ask of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from redis import Redis

from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import accepted, known
from tests.fakes import ScriptedProvider
from tests.pictures import opened, picture
from worker.leases import Leases
from worker.make_image import make_image
from worker.upkeep import Consumer, Upkeep
from worker.wire import ProviderImage
from worker.workshop import Provider, Workshop

PICTURE = picture()
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
    listen: Callable[[bool], None] | None = None,
    restart: Callable[[], None] = lambda: None,
    show: Callable[[], None] = lambda: None,
) -> Upkeep:
    """Return the upkeep of a worker that can't be restarted."""
    consumer = Consumer("w", 200, listen or (lambda _: None), restart, show)
    held = leases or Leases(services.store)
    return Upkeep(consumer, services, held, accountant or ScriptedProvider())


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
