"""`/metrics` for Prometheus: the whole service as the job store knows it, whichever process answers."""

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from shared.census import Census
from shared.services import Services

_PREFIX = "image_api_"
_COUNTED = {
    "calls_repeated_unknown_outcome": "Provider calls repeated although the one before may be charged.",
    "messages_put_back": "Messages that no worker took, whose jobs were sent again.",
    "rate_limited": "Lock-outs by the provider (429).",
    "breaker_opened": "Times at which the provider was found down, or refused this service.",
}
_HOLDUPS = ("provider_unavailable", "provider_auth", "provider_credits", "rate_limited", "paused")


def blueprint(services: Services) -> Blueprint:
    """Return the route, bound to what it counts."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Found(services))
        answer = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


class _Found(Collector):
    """What one census found, as metrics."""

    def __init__(self, services: Services) -> None:
        self._census = services.registrar.take()
        self._halted = services.halt.state() is not None
        self._storage = services.images.trouble()

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        yield from _queue(self._census)
        yield from _provider(self._census, halted=self._halted)
        for name, what in _COUNTED.items():
            yield CounterMetricFamily(_PREFIX + name, what, self._census.counts.get(name, 0))
        yield _gauge("storage_ok", "1 when images can be written.", not self._storage)


def _queue(census: Census) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(f"{_PREFIX}jobs", "Jobs on record.", labels=["kind", "status"])
    for labels, number in census.jobs.items():
        jobs.add_metric(labels, number)
    yield jobs
    yield _gauge(
        "queue_oldest_seconds", "Age of the oldest queued job.", census.oldest_queued_ms / 1000
    )
    yield _gauge("jobs_under_way", "Jobs with a worker, or cooking.", census.under_way)
    yield _gauge("workers", "Workers whose heartbeat counts.", census.workers)
    yield _gauge("worker_slots", "Provider calls that they can hold.", census.slots)
    yield _gauge("webhook_receivers", "Receivers with webhooks to come.", census.receivers)
    yield _gauge(
        "credits_today",
        "Credits that the jobs accepted since midnight UTC have cost or are expected to.",
        census.credits_today / 1000,
    )


def _provider(census: Census, *, halted: bool) -> Iterator[Metric]:
    state = (
        "paused" if halted else census.breaker.why or ("rate_limited" if census.paused_ms else "")
    )
    held = GaugeMetricFamily(
        f"{_PREFIX}provider_held_up",
        "1 for what keeps all jobs from being started.",
        labels=["reason"],
    )
    for reason in _HOLDUPS:
        held.add_metric([reason], reason == state)
    yield held
    yield _gauge(
        "provider_paused_seconds",
        "For how long nobody calls the provider.",
        census.paused_ms / 1000,
    )


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(_PREFIX + name, what, value)
