"""The house itself: workers, callers that wait, webhooks, storage, Redis, requests, the build."""

import platform
from collections.abc import Iterator

from prometheus_client.core import Metric

from api.metrics.families import counter, counters, gauge, gauges, histogram
from shared.census import Census, RedisState
from shared.services import Services
from shared.version import VERSION

_OUTCOMES = ("delivered", "retried", "given_up")


def metrics(census: Census, services: Services, redis: RedisState | None) -> Iterator[Metric]:
    """Yield what is told of everything that is neither a job nor the provider."""
    now = census.now
    yield gauge("workers", "Workers whose heartbeat counts.", now.workers)
    yield gauge("worker_slots", "Provider calls that they can hold.", now.slots)
    what = "Workers that alone do not reach the provider, and take no jobs."
    yield gauge("workers_cut_off", what, now.cut_off)
    yield gauge("web_processes", "API processes that have reported lately.", now.web)
    yield gauge(
        "callers_waiting", "Callers that wait for an answer, a stream or an image.", now.held
    )
    what = "Requests that were answered, by route."
    requests = dict(census.tallies.named("http_requests"))
    yield counters("http_requests", what, ["method", "route", "status"], requests)
    yield from _webhooks(census)
    yield from _storage(census, services)
    if redis:
        yield gauge("redis_used_bytes", "Memory that Redis uses.", redis.used_bytes)
        yield gauge("redis_limit_bytes", "Memory that it may use; 0: no bound.", redis.max_bytes)
        yield gauge("redis_writes_ok", "1 when it can write its file.", redis.writes_ok)
    makes = "sandbox" if services.settings.sandbox else "stability"
    build = {(VERSION, platform.python_version(), makes): 1.0}
    what = "Always 1; what runs, and who makes the pictures."
    yield gauges("build_info", what, ["version", "python", "provider"], build)


def _webhooks(census: Census) -> Iterator[Metric]:
    yield gauge("webhook_receivers", "Receivers with webhooks to come.", census.now.receivers)
    tries = {(outcome,): 0 for outcome in _OUTCOMES} | dict(census.tallies.named("webhooks"))
    what = "Tries to deliver a webhook, by what came of them."
    yield counters("webhook_deliveries", what, ["outcome"], tries)
    what = "How long a receiver took."
    yield histogram("webhook_seconds", what, [], [()], census.tallies, "webhook")


def _storage(census: Census, services: Services) -> Iterator[Metric]:
    yield gauge("storage_ok", "1 when images can be written.", not services.images.trouble())
    what = "Bytes of the pictures that are kept; uploads are not counted."
    yield gauge("storage_used_bytes", what, census.now.stored_bytes)
    written = census.counts.get("storage_written_bytes", 0)
    yield counter("storage_written_bytes", "Bytes of the pictures that were written.", written)
    free = services.images.free_bytes()
    if free is not None:
        yield gauge("storage_free_bytes", "Bytes that are free where pictures are written.", free)
