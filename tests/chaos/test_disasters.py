"""A plan is carried out, whatever is dead or deaf when its turn comes."""

import signal
import subprocess
from collections.abc import Iterator

import pytest

from shared.embedded_redis import free_port
from tests.chaos.disasters import Disasters
from tests.chaos.misdeeds import Sandbox
from tests.chaos.plan import Deed


class SleepingHouse:
    """A house whose only part is a process that sleeps; it is down when it is looked for first."""

    def __init__(self, pid: int) -> None:
        self._pids = [0, pid]

    def pid(self, part: str) -> int:
        return self._pids.pop(0) if len(self._pids) > 1 else self._pids[0]


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "300"]) as process:
        yield process
        process.kill()


@pytest.fixture
def disasters(sleeper: "subprocess.Popen[bytes]") -> Disasters:
    """Give what works on that house, and on a sandbox that nobody can reach."""
    return Disasters(SleepingHouse(sleeper.pid), Sandbox(f"http://127.0.0.1:{free_port()}"))


def test_what_is_down_is_killed_when_it_is_back(
    disasters: Disasters, sleeper: "subprocess.Popen[bytes]"
) -> None:
    disasters.run([Deed("kill", "worker", at=0.01)], 1.3)

    assert sleeper.wait(timeout=5) == -signal.SIGKILL
    assert [(deed.word, deed.what, deed.hit) for deed in disasters.done] == [
        ("kill", "worker", True)
    ]


def test_a_freeze_has_an_end(disasters: Disasters, sleeper: "subprocess.Popen[bytes]") -> None:
    disasters.run([Deed("freeze", "worker", 0.1, at=0.01)], 1.3)

    (freeze,) = disasters.done
    assert freeze.ended
    assert 0.1 <= freeze.ended - freeze.begun < 5
    assert _state(sleeper) == "S"


def test_a_freeze_that_outlasts_the_run_ends_with_it(
    disasters: Disasters, sleeper: "subprocess.Popen[bytes]"
) -> None:
    disasters.run([Deed("freeze", "worker", 60, at=0.01)], 1.2)
    assert (_state(sleeper), disasters.done[0].ended) == ("T", None)

    disasters.end()

    assert disasters.done[0].ended


def test_orders_to_a_sandbox_that_is_dead_are_in_vain_and_stop_nothing(
    disasters: Disasters,
) -> None:
    orders = [
        Deed("fault", "cut", order={"kind": "cut"}, at=0.01),
        Deed("setting", "down", 0.05, {"down": True}, at=0.02),
    ]

    disasters.run(orders, 0.2)

    assert [(deed.what, deed.hit) for deed in disasters.done] == [("cut", False), ("down", True)]


def _state(process: "subprocess.Popen[bytes]") -> str:
    listing = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process.pid)], capture_output=True, text=True, check=True
    )
    return listing.stdout.strip()[:1]
