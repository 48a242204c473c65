"""A scripted service, and a client of it."""

from collections.abc import Iterator

import pytest

from client import Client
from tests.client.scripted import Script, scripted


@pytest.fixture
def service() -> Iterator[Script]:
    """Give a service that answers as the test says."""
    with scripted() as script:
        yield script


@pytest.fixture
def client(service: Script) -> Iterator[Client]:
    """Give a client of it, which sits out trouble for a few seconds."""
    with Client(service.base, "s3cret", patience=5) as client:
        yield client
