"""No process is left behind, whatever state it is in and however the run ends."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.chaos.processes import Guard, end, members
from tests.e2e.stack import ROOT, alive, eventually

# A parent that does not heed SIGTERM, and its child.
_STUBBORN = "trap '' TERM; sleep 300 & echo $!; wait; wait"
_RUN = """
import subprocess, sys, time
from tests.chaos.processes import Guard
guard = Guard()
sleeper = subprocess.Popen(["sleep", "300"], start_new_session=True)
guard.watch(sleeper.pid)
print(sleeper.pid, flush=True)
time.sleep(300)
"""


@contextmanager
def session(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as leader:
        try:
            yield leader
        finally:
            leader.kill()


def line(process: "subprocess.Popen[bytes]") -> int:
    assert process.stdout
    return int(process.stdout.readline())


def test_what_is_frozen_ends_too() -> None:
    with session("sleep", "300") as sleeper:
        sleeper.send_signal(signal.SIGSTOP)

        assert end([sleeper.pid], patience=10) == 0
        assert sleeper.wait(timeout=5) == -signal.SIGTERM


def test_orphans_and_those_that_do_not_listen_are_killed() -> None:
    with session("sh", "-c", _STUBBORN) as leader:
        child = line(leader)
        leader.kill()
        leader.wait(timeout=5)

        assert members([leader.pid]) == [child]
        assert end([leader.pid], patience=0.1) == 1
        eventually(lambda: not alive(child), 5, "the end of the orphan")


def test_a_guard_that_is_closed_has_ended_everything() -> None:
    guard = Guard()
    with session("sleep", "300") as sleeper:
        guard.watch(sleeper.pid)

        guard.close()

        assert not alive(sleeper.pid)


def test_a_guard_ends_everything_when_its_run_is_killed() -> None:
    run = subprocess.Popen([sys.executable, "-c", _RUN], cwd=ROOT, stdout=subprocess.PIPE)
    with run:
        sleeper = line(run)

        run.kill()

        eventually(lambda: not alive(sleeper), 15, "the end of what was watched")
