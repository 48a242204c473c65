"""An answer that is good for a while: what is asked often is looked at seldom."""

import time
from collections.abc import Callable


class Recent:
    """What a look found, for some seconds; while it found something, it looks again after one."""

    def __init__(self, look: Callable[[], str], seconds: float) -> None:
        self._look = look
        self._seconds = seconds
        self._found = ""
        self._until = 0.0

    def __call__(self) -> str:
        """Return what the last look found, or look."""
        # no lock: a look that hangs must not make those hang who ask later and could know better
        if time.monotonic() >= self._until:
            self._found = self._look()
            self._until = time.monotonic() + min(self._seconds, 1.0 if self._found else 3_600)
        return self._found

    def forget(self) -> None:
        """Look at the next question."""
        self._until = 0.0
