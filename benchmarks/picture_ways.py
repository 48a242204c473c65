"""Ways to have one picture made and to wait for it: ours, and what people would use instead."""

import os
import signal
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.alternatives.picture import make_picture
from benchmarks.alternatives.running import ALTERNATIVES, alternative
from benchmarks.processes import processes_of
from benchmarks.provider import as_prompted, provider
from benchmarks.web import web, worker

DIRECT, OURS = "direct", "this service"
EVERY = (DIRECT, *(each.name for each in ALTERNATIVES), OURS)
# Wide enough to keep nobody waiting: the alternatives keep to no limit.
_SETTINGS = {"PROVIDER_RATE": "10000/10s", "LOG_LEVEL": "INFO"}
_WARM = 16
Call = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Way:
    """One way: how it is called, with the provider's latency in ms, and where its files are.

    `polls` says that its idle worker asks Redis again and again.
    """

    call: Call
    folder: Path
    polls: bool = False


@contextmanager
def ways(names: Sequence[str]) -> Iterator[dict[str, Way]]:
    """Run the ways of these names; each is called with the provider's latency in ms."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        stands = stack.enter_context(provider(as_prompted()))
        address = f"http://127.0.0.1:{stands.port}"
        started: dict[str, Way] = {}
        if DIRECT in names:
            (folder / "direct").mkdir()
            os.environ |= {"PROVIDER_URL": address, "PICTURES": str(folder / "direct")}
            started[DIRECT] = Way(lambda ms: _discard(make_picture(_prompt(ms))), folder / "direct")
        for number, each in enumerate(ALTERNATIVES):
            if each.name in names:
                own = folder / str(number)
                run = stack.enter_context(alternative(each, own, address))
                started[each.name] = Way(_asking(run), own, each.polls)
        if OURS in names:
            run = stack.enter_context(_ours(folder / "ours", stands.port))
            started[OURS] = Way(_asking(run), folder / "ours")
        for way in started.values():
            _warm(way.call)
        yield started


@contextmanager
def held_still(ways: Mapping[str, Way], asked: Collection[str]) -> Iterator[None]:
    """Stop the workers that poll, but for those of the ways that are asked, while the block lasts.

    Each of their looks at Redis is a synced write, which the ways that are measured would wait for.
    """
    idle = [way.folder for name, way in ways.items() if way.polls and name not in asked]
    # not their web servers, whose own watch would take them for dead
    held = [
        pid
        for folder in idle
        for pid, command in processes_of(folder).items()
        if b"gunicorn" not in command
    ]
    try:
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in held:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def _ours(folder: Path, port: int) -> Iterator[str]:
    folder.mkdir()
    with web(folder, 2, **_SETTINGS) as server, worker(server, port, **_SETTINGS):
        yield f"http://127.0.0.1:{server.port}/generate_image?wait=60"


def _prompt(ms: int) -> str:
    return f"A lighthouse on a cliff at dusk, long exposure, latency={ms}"


def _asking(address: str) -> Call:
    def ask(ms: int) -> None:
        answer = requests.post(address, json={"prompt": _prompt(ms)}, timeout=120)
        if answer.status_code != 200:
            raise RuntimeError(f"{address} answered {answer.status_code}: {answer.text[:200]}")

    return ask


def _discard(_: object) -> None:
    """Take what nobody needs."""


def _warm(call: Call) -> None:
    with ThreadPoolExecutor(_WARM) as pool:
        list(pool.map(call, [0] * _WARM * 4))
