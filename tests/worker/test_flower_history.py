"""Flower starts with whatever it finds, and shows a word for what became of a job."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from worker.flower_history import in_words, place


def test_its_history_is_in_the_data_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"

    assert place(folder) == str(folder / "flower.db")
    assert folder.stat().st_mode & 0o077 == 0


def test_it_starts_without_a_history_where_none_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("in the way")

    assert place(tmp_path / "data") == ""
    assert "a restart forgets the tasks" in capsys.readouterr().err


def test_a_file_that_can_not_be_written_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "flower.db.dat").mkdir()

    assert place(tmp_path) == ""
    assert "can't be written to" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("SUCCESS", "succeeded"),
        ("FAILURE", "failed: provider_error"),
        ("RETRY", "failed: provider_error"),
        ("STARTED", None),
        ("RECEIVED", None),
    ],
)
def test_a_task_is_shown_with_what_its_state_tells(state: str, shown: str | None) -> None:
    task = SimpleNamespace(
        state=state, result="'succeeded'", exception="failed: provider_error", traceback="File …"
    )

    assert in_words(task).result == shown
    assert (task.exception, task.traceback) == (None, None)
