"""End all processes of some sessions, whatever state they are in.

As a program (`python -m tests.chaos.processes`) it is a run's guard: it reads the sessions' ids,
one a line, and ends them when its standard input does, which is when the run is over or dead.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

from tests.e2e.stack import ROOT

_KILL_AFTER_SECONDS = 15.0


def members(sessions: Iterable[int]) -> list[int]:
    """Return the ids of all processes of these sessions, also of those whose parents are dead."""
    wanted = set(sessions)
    listing = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True
    )
    rows = [line.split() for line in listing.stdout.splitlines()]
    return [int(pid) for pid, state in rows if state[0] != "Z" and _session(int(pid)) in wanted]


def send(pid: int, number: signal.Signals) -> bool:
    """Send a process a signal; False when there is none of this id any more."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def end(sessions: Iterable[int], patience: float = _KILL_AFTER_SECONDS) -> int:
    """Wake, ask and in the end kill; return how many had to be killed."""
    sessions = set(sessions)
    for pid in members(sessions):
        send(pid, signal.SIGCONT)
    for leader in sessions:
        if _session(leader) == leader:
            send(leader, signal.SIGTERM)
    end = time.monotonic() + patience
    while (left := members(sessions)) and time.monotonic() < end:
        time.sleep(0.2)
    for pid in left:
        send(pid, signal.SIGKILL)
    return len(left)


class Guard:
    """Know the sessions of a run, and end them with it: by `close`, or when this process dies."""

    def __init__(self) -> None:
        self._sessions: set[int] = set()
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.processes"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def watch(self, leader: int) -> None:
        """Take in the session of a process that was started with one of its own."""
        self._sessions.add(leader)
        if self._program.stdin:
            self._program.stdin.write(f"{leader}\n".encode())
            self._program.stdin.flush()

    def wake(self) -> None:
        """Let everything that is frozen go on."""
        for pid in members(self._sessions):
            send(pid, signal.SIGCONT)

    def close(self) -> int:
        """End everything; return how many processes had to be killed."""
        killed = end(self._sessions)
        if self._program.stdin:
            self._program.stdin.close()
        self._program.wait(timeout=_KILL_AFTER_SECONDS)
        return killed


def _session(pid: int) -> int:
    with suppress(ProcessLookupError, PermissionError):
        return os.getsid(pid)
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end({int(line) for line in sys.stdin})
