"""Jobs that cook at the provider, for tests."""

from typing import Any

from redis import Redis

from shared.jobs import Job
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import PROVIDER_ID, known, places
from tests.fakes import ScriptedProvider
from tests.pictures import picture
from tests.worker.bench import after_a_run, upscale
from worker.wire import ProviderImage

LARGE = ProviderImage(picture(256, 256), 7, "q2")


def creative(services: Services, **changes: Any) -> Job:
    """Return an accepted job for a creative upscale."""
    return upscale(
        services,
        **{
            "operation": "upscale/creative",
            "variant": "creative",
            "request": {"mode": "creative", "prompt": "a fox", "output_format": "png"},
            "estimate": 60_000,
            **changes,
        },
    )


def cooking(services: Services, redis: "Redis") -> Job:
    """Return a job that the provider has begun, and for whose result it is time to ask."""
    job = creative(services)
    after_a_run(services, job, ScriptedProvider(PROVIDER_ID))
    return ripe(services, redis, job)


def ripe(services: Services, redis: "Redis", job: Job) -> Job:
    """Let the time come to ask for the result of a job."""
    assert places(redis, job.id) == ["parked"]
    redis.zadd(f"{PREFIX}parked", {job.id: 1})
    services.store.heartbeat("w", 100, 60_000)
    assert job.id in services.store.dispatch()
    return known(services.store, job.id)
