"""The one place of wiring: what the API and the worker work with."""

from dataclasses import dataclass

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from shared.acceptance import PATIENCE_MS
from shared.breaker import Breaker
from shared.bucket_client import Aside, here
from shared.census import Registrar
from shared.events import Events
from shared.halt import Halt
from shared.image_store import ImageStore
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Pace
from shared.outbox import Outbox
from shared.patient_pool import PatientPool
from shared.queue import TaskQueue, make_celery
from shared.requests import Requests
from shared.retirement import Retirement
from shared.settings import Settings
from shared.storage import open_images
from shared.tally import Tally
from shared.tries import Tries

# A caller learns within 3 s that Redis is away: one second to connect, one for an answer.
_REDIS_SECONDS = PATIENCE_MS / 1000
# Each command holds a connection for well under a millisecond; a burst queues for one.
_REDIS_CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Services:
    """What a route or a task may call."""

    settings: Settings
    store: JobStore
    index: JobIndex
    images: ImageStore
    queue: TaskQueue
    events: Events
    outbox: Outbox
    breaker: Breaker
    halt: Halt
    retirement: Retirement
    registrar: Registrar
    requests: Requests
    tally: Tally
    tries: Tries


def build_services(
    settings: Settings, queue: TaskQueue | None = None, aside: Aside = here
) -> Services:
    """Build the services; opens no connection. `aside` runs calls that would block other callers."""
    redis = connect(settings.required_redis_url)
    pace = Pace.of(settings.provider_rate, settings.provider_rate_guard_ms)
    return Services(
        settings=settings,
        store=JobStore(redis, pace, settings.limits),
        index=JobIndex(redis, pace, settings.limits),
        images=open_images(settings, aside),
        queue=queue or TaskQueue(make_celery(settings)),
        events=Events(redis),
        outbox=Outbox(redis),
        breaker=Breaker(redis),
        halt=Halt(redis),
        retirement=Retirement(redis),
        registrar=Registrar(redis, pace),
        requests=Requests(redis, settings.limits),
        tally=Tally(redis),
        tries=Tries(redis, settings.max_wait_seconds),
    )


def connect(url: str) -> "Redis":
    """Return a client that answers or fails within two seconds.

    Whoever queues for a connection waits on while others are answered. Only a broken connection is
    tried again, once (the server restarted and the pool did not know);
    every script gives the same result when it runs twice.
    """
    pool = PatientPool.from_url(
        url,
        decode_responses=True,
        max_connections=_REDIS_CONNECTIONS,
        timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        socket_keepalive=True,
        retry=Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)),
    )
    return Redis(connection_pool=pool)
