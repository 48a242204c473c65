"""What Flower remembers over a restart, and how it shows a task."""

import sys
import tempfile
from pathlib import Path
from typing import Any

_FILE = "flower.db"


def place(folder: Path) -> str:
    """Return the file for Flower's history, or "" when its folder takes none: then it starts without.

    A file that is there and damaged, Flower itself sets aside, and begins anew.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder):
            pass
        file = folder.absolute() / _FILE
        for written in folder.glob(f"{_FILE}*"):  # some ways to store it make several files
            written.open("r+b").close()
    except OSError as error:
        reason = error.strerror or error
        print(
            f"flower: DATA_DIR {folder} can't be written to ({reason}): a restart forgets the tasks",
            file=sys.stderr,
        )
        return ""
    return str(file)


def in_words(task: Any) -> Any:
    """Return a task as it is shown: one word for what became of its job, and no trace.

    What a trace shows is how a job's end is told to Celery; defects are in the worker's log.
    """
    # what an earlier message of the job has left stays on the task while a later one is under way
    told = {"SUCCESS": task.result, "FAILURE": task.exception, "RETRY": task.exception}
    words = told.get(task.state)
    task.result = words.strip("'") if isinstance(words, str) else None
    task.exception = task.traceback = None
    return task
