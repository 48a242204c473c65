"""The route, and what it collects."""

from collections.abc import Iterator

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.metrics import house, jobs, provider
from shared.services import Services


def blueprint(services: Services) -> Blueprint:
    """Return the route, bound to what it counts."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(Found(services))
        answer = Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
        answer.headers["Cache-Control"] = "no-store"
        return answer

    return routes


class Found(Collector):
    """What one census found, as metrics; making it may raise StoreUnavailable."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._census = services.registrar.take()
        self._redis = services.registrar.redis_state()
        self._halted = services.halt.state() is not None

    def collect(self) -> Iterator[Metric]:
        """Yield every metric."""
        services, census = self._services, self._census
        yield from jobs.metrics(census, services.settings)
        yield from provider.metrics(census, services.settings, halted=self._halted)
        yield from house.metrics(census, services, self._redis)
