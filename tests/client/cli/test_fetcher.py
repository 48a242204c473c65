"""Images fetched several at once: none keeps another waiting, and Ctrl-C waits for none."""

import io
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from client import Batch, Forbidden, ServiceFault, Unauthorized
from client.cli.state import FILE
from client.files import write_whole
from tests.client.cli.folder import Folder
from tests.client.cli.kiosk import Kiosk

_PATIENCE, _A_FEW = 10.0, 4
# Far below the patience of whatever hangs here.
_SOON = 2.0
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
    twins = folder.kiosk.twins
    assert [len(twin.threads) for twin in twins] == [1] * _A_FEW  # no two share connections
    assert len(set[threading.Thread]().union(*(twin.threads for twin in twins))) == _A_FEW
    assert all(twin.closed for twin in twins)
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
    folder.run(*_PROMPTS, batch_size=5)
    assert len(folder.files()) == 11
    ((entry, fault),) = folder.missed
    assert (entry.stem, entry.status) == ("001-fox-0", "ordered")
    assert fault.message == "500, for this one"
    folder.kiosk.save = save  # type: ignore[method-assign]

    folder.run(*_PROMPTS, batch_size=5)

    assert folder.missed == []
    assert len(folder.files()) == 12
    assert len(folder.kiosk.saved) == 12
    assert folder.kiosk.paid == _PROMPTS


@pytest.mark.parametrize(
    "fault",
    [
        OSError("No space left"),
        Unauthorized("Unknown key"),
        Forbidden("Not you"),
        SystemExit("End"),
    ],
    ids=["full disk", "revoked key", "forbidden", "end"],
)
def test_what_concerns_all_is_met_by_those_under_way_alone(
    folder: Folder, fault: BaseException
) -> None:
    tries: list[Path] = []
    all_known = _tell(folder, times=1)

    def full(job: Any, path: Path) -> Path:
        tries.append(path)
        all_known.wait(_PATIENCE)
        raise fault

    folder.kiosk.save = full  # type: ignore[method-assign]

    with pytest.raises(type(fault), match=str(fault)):
        folder.run(*_PROMPTS)

    assert 1 <= len(tries) <= _A_FEW


def test_what_concerns_all_is_told_though_another_image_is_still_waited_for(folder: Folder) -> None:
    goes_on, met = threading.Event(), list[float]()

    def save(job: Any, path: Path) -> Path:
        if path.stem != "002-fox-1":
            goes_on.wait(_PATIENCE)
            return path
        met.append(time.monotonic())
        raise OSError(28, "No space left on device")

    folder.kiosk.save = save  # type: ignore[method-assign]

    with pytest.raises(OSError, match="No space left"):
        folder.run(*_PROMPTS[:3])

    assert time.monotonic() - met[0] < _SOON
    goes_on.set()


def test_ctrl_c_waits_for_no_line_that_nobody_reads(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, begun, pressed = threading.Event(), threading.Event(), list[float]()

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            begun.set()
            goes_on.wait(_PATIENCE)
            return len(text)

    def watch(batch: Batch, *, every: float) -> Iterator[Batch]:
        yield from Kiosk.watch(folder.kiosk, batch, every=every)
        begun.wait(_PATIENCE)
        pressed.append(time.monotonic())
        raise KeyboardInterrupt

    folder.kiosk.watch = watch  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", Full())

    with pytest.raises(KeyboardInterrupt):
        folder.run(*_PROMPTS, machine=False)

    assert time.monotonic() - pressed[0] < _SOON
    goes_on.set()
    assert "saved" in (folder.out / FILE).read_text()


def test_ctrl_c_waits_for_no_disk_that_does_not_answer(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, begun, pressed = threading.Event(), threading.Event(), list[float]()
    fsync = os.fsync

    def hang(file: int) -> None:
        if threading.current_thread() is not threading.main_thread():
            begun.set()
            goes_on.wait(_PATIENCE)
        fsync(file)

    def watch(batch: Batch, *, every: float) -> Iterator[Batch]:
        monkeypatch.setattr(os, "fsync", hang)
        monkeypatch.setattr("client.cli.state._LATE_SECONDS", -1.0)
        yield from Kiosk.watch(folder.kiosk, batch, every=every)
        begun.wait(_PATIENCE)
        pressed.append(time.monotonic())
        raise KeyboardInterrupt

    folder.kiosk.watch = watch  # type: ignore[method-assign]

    with pytest.raises(KeyboardInterrupt):
        folder.run(*_PROMPTS)

    assert time.monotonic() - pressed[0] < _SOON
    goes_on.set()


def test_ctrl_c_waits_for_no_image_and_leaves_no_half_of_one(folder: Folder) -> None:
    kiosk, goes_on, threads = folder.kiosk, threading.Event(), set(threading.enumerate())

    def hang(job: Any, path: Path) -> Path:
        def pieces() -> Iterator[bytes]:
            yield b"half"
            goes_on.wait(_PATIENCE)
            yield b" and half"

        write_whole(path, pieces(), replace=False)
        return path

    pressed = _interrupt(folder, parts=_A_FEW)
    save, kiosk.save = kiosk.save, hang  # type: ignore[method-assign]

    with pytest.raises(KeyboardInterrupt):
        folder.run(*_PROMPTS)

    assert time.monotonic() - pressed[0] < _SOON  # and not as long as the images hang
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


def _interrupt(folder: Folder, parts: int) -> list[float]:
    """Press Ctrl-C once so many files are being written, while the batch goes on; note when."""
    pressed: list[float] = []

    def watch(batch: Batch, *, every: float) -> Iterator[Batch]:
        yield from Kiosk.watch(folder.kiosk, batch, every=every)
        end = time.monotonic() + _PATIENCE
        while len(list(folder.out.glob(".*.part"))) < parts and time.monotonic() < end:
            time.sleep(0.01)
        pressed.append(time.monotonic())
        raise KeyboardInterrupt

    folder.kiosk.watch = watch  # type: ignore[method-assign]
    return pressed
