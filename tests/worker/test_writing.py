"""An image that is paid for is held in memory for as long as its storage may be away."""

import time

import pytest

from shared.folder_store import FolderStore
from shared.image_store import ImageStore
from shared.services import Services
from tests.builders import accepted
from tests.fakes import ScriptedProvider
from tests.folders import folder_of
from tests.worker.bench import IMAGE, after_a_run


class FlakyImages(FolderStore):
    """An image store on a disk that is full at first, and is asked so often."""

    def __init__(self, store: ImageStore, failures: int) -> None:
        super().__init__(folder_of(store))
        self.failures, self.tries = failures, 0

    def put(self, name: str, data: bytes) -> bool:
        """Fail so many times, then write."""
        self.tries += 1
        if self.tries <= self.failures:
            raise OSError(28, "No space left on device")
        return super().put(name, data)


@pytest.fixture(autouse=True)
def _no_pause_between_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.workshop._WRITE_PAUSE_SECONDS", 0)


@pytest.mark.parametrize("failures", [1, 40])
def test_a_write_that_fails_is_tried_again_from_memory(services: Services, failures: int) -> None:
    images, provider = FlakyImages(services.images, failures), ScriptedProvider(IMAGE)

    done = after_a_run(services, accepted(services.store), provider, images=images)

    assert done.status == "succeeded"
    assert (images.tries, len(provider.calls)) == (failures + 1, 1)


def test_a_write_that_fails_for_long_ends_a_job_that_was_charged(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.workshop._WRITE_SECONDS", 0.05)
    images, provider = FlakyImages(services.images, 1_000_000), ScriptedProvider(IMAGE)

    done = after_a_run(services, accepted(services.store), provider, images=images)

    assert (done.status, done.error_code, done.credits) == ("failed", "storage_error", 3_000)
    assert images.tries > 2
    assert len(provider.calls) == 1


@pytest.mark.parametrize(
    ("minutes", "end"), [(9.8, ("succeeded", None)), (10.2, ("failed", "storage_error"))]
)
def test_a_paid_image_is_held_for_ten_minutes_while_it_cannot_be_written(
    services: Services, monkeypatch: pytest.MonkeyPatch, minutes: float, end: tuple[str, str | None]
) -> None:
    class Passing:
        """Time that passes while somebody sleeps."""

        clock_gettime = staticmethod(time.clock_gettime)

        def __init__(self) -> None:
            self.seconds = time.monotonic()

        def monotonic(self) -> float:
            return self.seconds

        def sleep(self, seconds: float) -> None:
            self.seconds += seconds

    class Away(FolderStore):
        """A folder that is away for so long."""

        def put(self, name: str, data: bytes) -> bool:
            if passing.seconds < back:
                raise OSError(5, "does not answer")
            return super().put(name, data)

    passing = Passing()
    back = passing.seconds + minutes * 60
    monkeypatch.setattr("worker.workshop._WRITE_PAUSE_SECONDS", 1.0)
    for module in ("workshop", "leases"):
        monkeypatch.setattr(f"worker.{module}.time", passing)
    provider = ScriptedProvider(IMAGE)
    images = Away(folder_of(services.images))

    done = after_a_run(services, accepted(services.store), provider, images=images)

    assert (done.status, done.error_code, done.credits) == (*end, 3_000)
    assert len(provider.calls) == 1
