"""End a part when the process that started it is gone, however it went.

Whoever starts a part and sets `LIFELINE=stdin` keeps the other end of its standard input: that ends
with its holder, even by SIGKILL, and on every platform.
"""

import _thread
import os
import signal

_VARIABLE = "LIFELINE"


def offer() -> None:
    """Let every process started from here hold on to this one, by its standard input."""
    os.environ[_VARIABLE] = "stdin"


def offered() -> bool:
    """Tell whether whoever started this process holds its standard input for it."""
    return os.environ.get(_VARIABLE) == "stdin"


def hold() -> None:
    """Ask this process to end (SIGTERM) when its standard input does; does nothing when run by hand."""
    if offered():
        # not by threading: gevent, which patches that later, would trip over a thread it did not make
        _thread.start_new_thread(_wait, ())


def _wait() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
