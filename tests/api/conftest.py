"""The app over the real store, with a queue that remembers and events that tell who waits."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from flask import Flask
from redis import Redis
from werkzeug.routing import Rule

from shared.embedded_redis import free_port
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Pace
from shared.requests import Requests
from shared.services import Services, build_services, connect
from shared.settings import Settings, load_settings
from tests.api.callers import Api, SeenEvents
from tests.api.named import PICTURE
from tests.fakes import RememberingQueue
from tests.worker.provider_server import ProviderServer, provider, says

Start = Callable[..., Api]


class KeptRule(Rule):
    """A route that is compiled in one app and kept for the next: it is most of what an app costs."""

    _kept: ClassVar[dict[tuple[str, str, bool], Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, str(self.defaults), append_unknown)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


@pytest.fixture(scope="session", autouse=True)
def _apps_cost_little() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "url_rule_class", KeptRule)
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*Settings.model_fields, "STABILITY_API_KEY"):
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def start(services: Services, redis_client: "Redis", redis_url: str) -> Iterator[Start]:
    """Give what builds the API with settings of its own, and another queue if one is given."""
    events: list[SeenEvents] = []

    def start(queue: RememberingQueue | None = None, **changes: Any) -> Api:
        settings = services.settings
        if changes:
            given = {"redis_url": redis_url, "storage_url": settings.storage_url, **changes}
            settings = load_settings(None, **given)
        events.append(SeenEvents(redis_client))
        usual = services.settings
        pace = Pace.of(usual.provider_rate, usual.provider_rate_guard_ms)
        built = replace(
            services,
            settings=settings,
            store=JobStore(redis_client, pace, settings.limits),
            index=JobIndex(redis_client, pace, settings.limits),
            requests=Requests(redis_client, settings.limits),
            queue=queue or services.queue,
            events=events[-1],
        )
        return Api(built, redis_client)

    yield start
    for each in events:
        each.close()


@pytest.fixture
def api(start: Start) -> Api:
    """Give the API with default settings."""
    return start()


@pytest.fixture
def near(start: Start) -> Api:
    """Give the API that may fetch from this machine."""
    return start(fetch_allow_private="true")


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """Give a server that has a picture at every address."""
    with provider(says(200, PICTURE)) as server:
        yield server


def away(url: str, folder: Path, **changes: Any) -> Api:
    """Return an API whose Redis is at an address where it may be missing."""
    settings = load_settings(None, redis_url=url, storage_url=str(folder), **changes)
    redis = connect(url)
    built = build_services(settings, RememberingQueue())
    return Api(replace(built, events=SeenEvents(redis)), redis)


@pytest.fixture
def without_redis(tmp_path: Path) -> Iterator[Api]:
    """Give an API whose Redis refuses every connection."""
    api = away(f"redis://127.0.0.1:{free_port()}/0", tmp_path / "images")
    yield api
    api.events.close()
