"""Give every test a sandbox of its own, with a clock that only moves when told."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.host import Host
from sandbox.provider import Provider
from sandbox.server import create_app
from sandbox.settings import Settings
from tests.sandbox.helpers import Caller, Clock, Process, picture

QUICK = Settings().changed({"latency": 0, "jitter": 0})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Provider:
    return Provider(QUICK, Host(clock.now, clock.sleep))


@pytest.fixture
def caller(provider: Provider) -> Caller:
    return Caller(create_app(provider).test_client())


@pytest.fixture(scope="session")
def photo() -> bytes:
    return picture((96, 64))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start sandboxes of their own process; all end with the test."""
    running: list[Process] = []

    def run(*flags: str) -> Process:
        running.append(Process("--latency", "0", "--jitter", "0", "--port", "0", *flags))
        return running[-1]

    yield run
    for process in running:
        process.end()
