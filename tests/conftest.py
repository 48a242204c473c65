"""What all tests share: a real embedded server, a store on it, and no way to the internet."""

import gc
import importlib
import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import redis

from shared.breaker import Breaker
from shared.census import Registrar
from shared.events import Events
from shared.folder_store import FolderStore
from shared.halt import Halt
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Pace
from shared.outbox import Outbox
from shared.requests import Requests
from shared.retirement import Retirement
from shared.services import Services, connect
from shared.settings import Settings, load_settings
from shared.tally import Tally
from shared.tries import Tries
from tests import leftovers
from tests.fakes import RememberingQueue
from tests.leftovers import beginnings_noted, nothing_left
from tests.redis_server import embedded_server

if TYPE_CHECKING:
    from tests.bucket import Bucket


def pytest_configure(config: pytest.Config) -> None:
    """Let it see the fixtures of the whole session too, which are none of this folder's."""
    config.pluginmanager.register(leftovers)


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Collect without looking for garbage: thousands of tests are made, and all of them stay."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep what was collected out of every later search for garbage."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _no_way_out() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    real = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = "127.0.0.1" if address[0] == "localhost" else address[0]
            assert ipaddress.ip_address(host).is_loopback, f"a test calls {address}"
        real(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


@pytest.fixture(scope="session", autouse=True)
def _beginnings_noted() -> Iterator[None]:
    with beginnings_noted():
        yield


# the first fixture of each test, so that what its others have started is over
@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Fail a test that leaves a thread or a listening socket behind."""
    with nothing_left():
        yield


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the URL of one server for the whole run: an embedded one, or that of TEST_REDIS_URL."""
    if url := os.environ.get("TEST_REDIS_URL"):
        yield url
        return
    with embedded_server(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(scope="session")
def _bucket_server() -> Iterator["Bucket"]:
    # the stand-in takes two seconds to import, which most test processes need not pay
    with importlib.import_module("tests.bucket").bucket_server() as server:
        yield server


@pytest.fixture
def bucket(_bucket_server: "Bucket", monkeypatch: pytest.MonkeyPatch) -> "Bucket":
    """Give a prefix of its own in a stand-in for a bucket, which the environment lets be opened."""
    _bucket_server.well()
    for name, value in _bucket_server.environment.items():
        monkeypatch.setenv(name, value)
    return _bucket_server


@pytest.fixture
def redis_client(redis_url: str) -> Iterator["redis.Redis"]:
    """Give a client of an empty database."""
    client = connect(redis_url)
    client.flushdb()
    yield client
    # the client did not make its pool, and leaves it to the collector
    client.connection_pool.disconnect(inuse_connections=True)


@pytest.fixture
def settings(redis_url: str, tmp_path: Path) -> Settings:
    """Give the default settings, with storage in a fresh folder and calls 1 ms apart."""
    return load_settings(
        None,
        redis_url=redis_url,
        storage_url=str(tmp_path / "images"),
        provider_rate="10000/10s",
        provider_rate_guard_ms=0,
    )


@pytest.fixture
def store(redis_client: "redis.Redis", settings: Settings) -> JobStore:
    """Give an empty job store on the real server."""
    return JobStore(redis_client, Pace.of(settings.provider_rate, settings.provider_rate_guard_ms))


@pytest.fixture
def index(redis_client: "redis.Redis", settings: Settings) -> JobIndex:
    """Give the index of that store."""
    return JobIndex(redis_client, Pace.of(settings.provider_rate, settings.provider_rate_guard_ms))


@pytest.fixture
def services(
    redis_client: "redis.Redis", store: JobStore, index: JobIndex, settings: Settings
) -> Iterator[Services]:
    """Give services with a queue that only remembers what was sent."""
    events = Events(redis_client)
    images = FolderStore(Path(settings.storage_url))
    yield Services(
        settings=settings,
        store=store,
        index=index,
        images=images,
        queue=RememberingQueue(),
        events=events,
        outbox=Outbox(redis_client),
        breaker=Breaker(redis_client),
        halt=Halt(redis_client),
        retirement=Retirement(redis_client),
        registrar=Registrar(
            redis_client, Pace.of(settings.provider_rate, settings.provider_rate_guard_ms)
        ),
        requests=Requests(redis_client),
        tally=Tally(redis_client),
        tries=Tries(redis_client),
    )
    events.close()
