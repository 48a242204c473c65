"""Whether pictures can be written is known without waiting for the storage."""

import threading
from pathlib import Path

import pytest

from shared.folder_store import FolderStore
from tests.builders import until
from worker.storage_watch import StorageWatch


def test_it_tells_what_the_last_look_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = StorageWatch(FolderStore(tmp_path))
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)

    watch.look()
    full = watch.trouble()
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 0)
    watch.look()

    assert (full, watch.trouble()) == ("almost full", "")


def test_a_folder_that_hangs_is_in_trouble_until_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hanging(FolderStore):
        def trouble(self) -> str:
            """Answer when told."""
            hangs.set()
            assert answers.wait(10)
            return ""

    hangs, answers = threading.Event(), threading.Event()
    watch = StorageWatch(Hanging(tmp_path))
    monkeypatch.setattr("worker.storage_watch._HANGS_SECONDS", 0.05)
    looking = threading.Thread(target=watch.look)
    looking.start()

    assert hangs.wait(10)
    until(lambda: watch.trouble() == "does not answer")
    answers.set()
    looking.join()

    assert watch.trouble() == ""
