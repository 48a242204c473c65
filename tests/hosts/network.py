"""Hosts of a network that this process alone knows: network namespaces without a name.

This process has to be in a namespace of its own already (`isolate`). Nothing has to be cleaned up: a
namespace goes, with all that hangs on it, when the last process in it ends.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chaos.processes import Guard

# Callers and API; API, workers, Redis and bucket; workers and provider. This process is in all of them.
NETWORKS = {"front": 1, "back": 2, "out": 3}
_SELF = 1
_INSIDE = "TESTS_HOSTS_NAMESPACE"
_OWN = Path("/proc/self/ns/net")
_PROBE = "ip link set lo up && ip link add front type bridge"
_START_SECONDS = 10


def way_in() -> list[str]:
    """Return the command that runs another in a network of its own; empty where none can be made."""
    for more in ([], ["--user", "--map-root-user"]):
        command = ["unshare", "--net", *more]
        with suppress(OSError):
            done = subprocess.run([*command, "sh", "-c", _PROBE], capture_output=True, check=False)
            if done.returncode == 0:
                return command
    return []


def isolate(module: str) -> None:
    """Become the same program in a network of its own, unless it is that; may raise OSError.

    Loopback and three bridges are then all there is: no way leads to the machine's interfaces.
    """
    if os.environ.pop(_INSIDE, "") != str(os.getpid()):
        command = way_in()
        if not command:
            raise OSError(
                "network namespaces can't be made here: that takes Linux, `unshare`, `ip`, and root"
                " or the right to make user namespaces"
            )
        os.environ[_INSIDE] = str(os.getpid())
        program = [sys.executable, "-m", module, *sys.argv[1:]]
        os.execvp(command[0], [*command, *program])  # noqa: S606 - the same program once more
    lines = ["link set lo up"]
    for network in NETWORKS:
        lines += [
            f"link add {network} type bridge",
            f"address add {address(_SELF, network)}/24 dev {network}",
            f"link set {network} up",
        ]
    _ip(lines)


def address(number: int, network: str) -> str:
    """Return the address of a host in a network."""
    return f"10.77.{NETWORKS[network]}.{number}"


class Host:
    """A host with an address in each of some networks; it lasts as long as its guard lets it."""

    def __init__(self, number: int, networks: Sequence[str], guard: Guard) -> None:
        self._number = number
        self._guard = guard
        self._holder = self._session(["unshare", "--net", "sleep", "infinity"])
        end = time.monotonic() + _START_SECONDS
        while Path(f"/proc/{self._holder.pid}/ns/net").readlink() == _OWN.readlink():
            if time.monotonic() > end:
                raise RuntimeError("a host did not start")
            time.sleep(0.01)
        pid = self._holder.pid
        _ip([f"link add {self._port(n)} type veth peer name {n} netns {pid}" for n in networks])
        inside = [
            line
            for network in networks
            for line in (
                f"address add {self.address(network)}/24 dev {network}",
                f"link set {network} up",
            )
        ]
        _ip(["link set lo up", *inside], self._inside())
        for network in networks:
            _ip([f"link set {self._port(network)} up"])
            self.heal(network)

    def address(self, network: str) -> str:
        """Return its address in a network."""
        return address(self._number, network)

    def launch(self, command: Sequence[str], **more: Any) -> "subprocess.Popen[bytes]":
        """Start a program on this host."""
        return self._session([*self._inside(), *command], **more)

    def cut(self, network: str) -> None:
        """Take its cable out at the switch: its own end looks well, and nothing passes any more."""
        _ip([f"link set {self._port(network)} nomaster"])

    def heal(self, network: str) -> None:
        """Put the cable back."""
        _ip([f"link set {self._port(network)} master {network}"])

    def _port(self, network: str) -> str:
        return f"{network}-{self._number}"

    def _inside(self) -> list[str]:
        return ["nsenter", "--target", str(self._holder.pid), "--net", "--"]

    def _session(self, command: Sequence[str], **more: Any) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, **more
        )
        self._guard.watch(process.pid)
        return process


def _ip(lines: Sequence[str], within: Sequence[str] = ()) -> None:
    subprocess.run([*within, "ip", "-batch", "-"], input="\n".join(lines).encode(), check=True)
