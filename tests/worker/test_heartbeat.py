"""A health check tells a worker that is well from one that is not, and costs next to nothing."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.services import Services
from tests.worker.bench import an_upkeep
from worker.heartbeat import FRESH_SECONDS, begin, main, touch


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Give the file of a worker that is starting."""
    begin(tmp_path / "heartbeat")
    return tmp_path / "heartbeat"


def test_a_worker_that_beats_is_well(file: Path) -> None:
    touch(file)

    assert main([str(file)]) == 0


def test_a_worker_that_is_starting_is_not_well_yet(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(file)]) == 1
    assert capsys.readouterr().out == "no heartbeat yet\n"


def test_a_worker_that_stopped_beating_is_not_well(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beaten = time.time() - FRESH_SECONDS - 1
    os.utime(file, (beaten, beaten))

    assert main([str(file)]) == 1
    assert "the last heartbeat was 11." in capsys.readouterr().out


def test_a_clock_that_went_back_makes_no_worker_well(file: Path) -> None:
    ahead = time.time() + 3_600
    os.utime(file, (ahead, ahead))

    assert main([str(file)]) == 1


def test_what_another_worker_has_left_says_nothing(file: Path) -> None:
    touch(file)
    begin(file)

    assert main([str(file)]) == 1


def test_no_file_and_a_wrong_call_are_no_health(tmp_path: Path) -> None:
    assert main([str(tmp_path / "nothing")]) == 1
    assert main([]) == 2


def test_a_file_that_cannot_be_written_stops_no_worker(tmp_path: Path) -> None:
    touch(tmp_path / "no" / "such" / "folder")


def test_the_worker_shows_it_when_redis_has_counted_it_and_only_then(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = list[int]()
    upkeep = an_upkeep(services, tend=lambda _: shown.append(len(services.index.worker_slots())))

    upkeep._beat()  # noqa: SLF001 - one beat, without its clock
    assert shown == [1]

    def away(*_: object) -> None:
        raise StoreUnavailable("The job store does not answer")

    monkeypatch.setattr(JobStore, "heartbeat", away)
    with pytest.raises(StoreUnavailable):
        upkeep._beat()  # noqa: SLF001
    assert shown == [1]


def test_the_check_imports_nothing_of_the_service() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, worker.heartbeat; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"celery", "redis", "pydantic", "logging", "shared"} & set(loaded)
