"""Jobs and batches with an address to call, and a clock for the outbox that tests may move."""

from dataclasses import replace
from typing import Any, cast

from pydantic import SecretStr
from redis import Redis
from standardwebhooks import Webhook

from shared.batches import Batch
from shared.deliveries import Parcel, Try
from shared.job_store import JobStore
from shared.jobs import Job
from shared.outbox import Outbox
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import a_batch, accepted, known
from tests.worker.provider_server import Received

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "http://hooks.test/done"
FAILED = Try(1_764_000_000_000, 500, "The receiver answered 500", 12)
DELIVERED = Try(1_764_000_000_001, 204, None, 7)
LEASE_MS = 30_000
MOST = 2


def with_webhooks(services: Services) -> Services:
    """Return services that may call this machine, with a secret to sign by."""
    told = {"webhook_secret": SecretStr(SECRET), "webhook_allow_private": True}
    return replace(services, settings=services.settings.model_copy(update=told))


def ended(store: JobStore, webhook: str = URL, **changes: Any) -> Job:
    """Return a job that has just failed and is to be told of."""
    job = accepted(store, webhook=webhook, **changes)
    assert store.fail(job.id, "", error="It went wrong", error_code="internal", credits=0)
    return known(store, job.id)


def batch_of(store: JobStore, total: int, webhook: str = URL, **changes: Any) -> Batch:
    """Return a batch that was accepted, whose jobs tell nobody."""
    batch, jobs = a_batch(total, **changes)
    return store.accept_batch(replace(batch, webhook=webhook), jobs, 10_000).batch


def take(outbox: Outbox, claim: str = "c1", most: int = MOST) -> Parcel | None:
    """Take what is due."""
    return outbox.take(claim, LEASE_MS, most)


def taken(outbox: Outbox, claim: str = "c1") -> Parcel:
    """Take what must be due."""
    parcel = take(outbox, claim)
    assert parcel is not None
    return parcel


def waiting(redis: "Redis", receiver: str = "hooks.test") -> dict[str, float]:
    """Return what waits for a receiver, and when it is due."""
    return members(redis, f"{PREFIX}outbox:{receiver}")


def sending(redis: "Redis", receiver: str = "hooks.test") -> list[str]:
    """Return what is on its way to a receiver."""
    return list(members(redis, f"{PREFIX}sending:{receiver}"))


def pauses_end(redis: "Redis") -> None:
    """Let everything in the outbox be due, as after hours."""
    for name in redis.scan_iter(f"{PREFIX}outbox*"):
        redis.zadd(name, dict.fromkeys(members(redis, name), 1))


def leases_end(redis: "Redis") -> None:
    """Let everybody be gone who was about to send something."""
    for name in redis.scan_iter(f"{PREFIX}sending:*"):
        redis.zadd(name, dict.fromkeys(members(redis, name), 1))
        redis.zadd(f"{PREFIX}outbox", {str(name).split(":", 2)[2]: 1})


def members(redis: "Redis", name: str) -> dict[str, float]:
    """Return the members of a sorted set, with their scores."""
    return dict(cast("list[tuple[str, float]]", redis.zrange(name, 0, -1, withscores=True)))


def verified(received: Received, secret: str = SECRET) -> dict[str, Any]:
    """Return the body of a call, checked as the receivers' own library does."""
    told = Webhook(secret).verify(received.body, dict(received.headers))
    assert isinstance(told, dict)
    return told
