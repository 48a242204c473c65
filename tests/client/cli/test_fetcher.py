"""Images fetched several at once: none keeps another waiting, and Ctrl-C waits for none."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import Batch, ServiceFault
from client.files import write_whole
from tests.client.cli.kiosk import Kiosk
from tests.client.cli.test_batches import Folder

_PATIENCE, _A_FEW = 10.0, 4
_PROMPTS = [f"Fox {number}" for number in range(12)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Give an empty folder, and a service of its own."""
    return Folder(tmp_path)


def test_four_are_fetched_at_once_and_never_more(folder: Folder) -> None:
    save, together = folder.kiosk.save, threading.Barrier(_A_FEW)
    here, most = set[Path](), list[int]()

    def slow(job: Any, path: Path) -> Path:
        here.add(path)
        together.wait(_PATIENCE)  # breaks where fewer come
        most.append(len(here))
        together.wait(_PATIENCE)
        here.remove(path)
        together.wait(_PATIENCE)
        return save(job, path)

    folder.kiosk.save = slow  # type: ignore[method-assign]
    _tell(folder, times=3)  # what is under way is not asked for again

    entries = folder.run(*_PROMPTS)

    assert most == [_A_FEW] * 12
    assert len(folder.kiosk.saved) == 12
    assert [entry.status for entry in entries] == ["saved"] * 12
    # whatever came first, each has the name of its place
    assert folder.files() == [f"{n:03}-fox-{n - 1}.webp" for n in range(1, 13)]
    first = next(iter(folder.kiosk.by_key.values()))[1].jobs[0]
    assert (folder.out / "001-fox-0.webp").read_text() == first.job_id


def test_an_image_in_trouble_keeps_no_other_away_and_is_fetched_by_the_next_run(
    folder: Folder,
) -> None:
    save = folder.kiosk.save

    def refuse_one(job: Any, path: Path) -> Path:
        if path.stem == "001-fox-0":
            raise ServiceFault("500, for this one")
        return save(job, path)

    folder.kiosk.save = refuse_one  # type: ignore[method-assign]
    with pytest.raises(ServiceFault, match="for this one"):
        folder.run(*_PROMPTS, batch_size=5)
    assert len(folder.files()) == 11
    folder.kiosk.save = save  # type: ignore[method-assign]

    folder.run(*_PROMPTS, batch_size=5)

    assert len(folder.files()) == 12
    assert len(folder.kiosk.saved) == 12
    assert folder.kiosk.paid == _PROMPTS


def test_a_full_disk_is_met_by_those_under_way_alone(folder: Folder) -> None:
    tries: list[Path] = []
    all_known = _tell(folder, times=1)

    def full(job: Any, path: Path) -> Path:
        tries.append(path)
        all_known.wait(_PATIENCE)
        raise OSError(28, "No space left on device")

    folder.kiosk.save = full  # type: ignore[method-assign]

    with pytest.raises(OSError, match="No space left"):
        folder.run(*_PROMPTS)

    assert 1 <= len(tries) <= _A_FEW


def test_ctrl_c_waits_for_no_image_and_leaves_no_half_of_one(folder: Folder) -> None:
    kiosk, goes_on, threads = folder.kiosk, threading.Event(), set(threading.enumerate())

    def hang(job: Any, path: Path) -> Path:
        def pieces() -> Iterator[bytes]:
            yield b"half"
            goes_on.wait(_PATIENCE)
            yield b" and half"

        write_whole(path, pieces(), replace=False)
        return path

    _interrupt(folder, parts=_A_FEW)
    save, kiosk.save = kiosk.save, hang  # type: ignore[method-assign]

    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        folder.run(*_PROMPTS)
    took = time.monotonic() - begun

    assert took < 2  # and not as long as the images hang
    assert list(folder.out.glob(".*.part")) == []
    left = set(threading.enumerate()) - threads
    assert len(left) == _A_FEW
    assert all(thread.daemon for thread in left)  # they hold up no end of the program
    goes_on.set()
    for thread in left:
        thread.join(_PATIENCE)
    assert folder.files() == []
    del kiosk.watch
    kiosk.save = save  # type: ignore[method-assign]
    folder.run(*_PROMPTS)
    assert len(folder.files()) == 12
    assert kiosk.paid == _PROMPTS


def _tell(folder: Folder, times: int) -> threading.Event:
    """Let a batch be told several times; return what is set when that was heard."""
    heard = threading.Event()

    def watch(batch: Batch, *, every: float) -> Iterator[Batch]:
        for _ in range(times):
            yield from Kiosk.watch(folder.kiosk, batch, every=every)
        heard.set()

    folder.kiosk.watch = watch  # type: ignore[method-assign]
    return heard


def _interrupt(folder: Folder, parts: int) -> None:
    """Press Ctrl-C once so many files are being written, while the batch goes on."""

    def watch(batch: Batch, *, every: float) -> Iterator[Batch]:
        yield from Kiosk.watch(folder.kiosk, batch, every=every)
        end = time.monotonic() + _PATIENCE
        while len(list(folder.out.glob(".*.part"))) < parts and time.monotonic() < end:
            time.sleep(0.01)
        raise KeyboardInterrupt

    folder.kiosk.watch = watch  # type: ignore[method-assign]
