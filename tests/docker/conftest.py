"""One project for all of these tests, for building takes a minute."""

from collections.abc import Iterator

import pytest

from tests.docker.house import House, missing


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give a project that was started as a newcomer does; skip where no engine answers."""
    if reason := missing():
        pytest.skip(reason)
    house = House(tmp_path_factory.mktemp("docker"))
    try:
        house.up("--build")
        yield house
    finally:
        house.remove()
