"""Measure `make run`, cold and warm: `python -m benchmarks.start [rounds]`.

Cold is a fresh clone without .venv: once with pip's cache empty (everything is downloaded) and once
with it full. Warm is the same clone again. Times are counted from the command to what a user has:
the block that says ready, and the first picture, which takes the sandbox some seconds of its own.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.machine import load
from benchmarks.plots import Bars
from benchmarks.processes import cpu_seconds, descendants
from benchmarks.report import progress, report, spread
from shared.embedded_redis import free_port
from tests.redis_server import ROOT

ROUNDS = 2
_LONGEST_SECONDS = 300
_PARTS = ("sandbox", "api", "flower", "worker", "ready", "first picture")
_LOOK_SECONDS = 0.02


@dataclass(slots=True)
class Start:
    """The seconds from the command until each part answers, and what came before it (venv, install)."""

    name: str
    before: dict[str, float] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    cpu: float = 0.0
    load: float = field(default_factory=load)


class Clone:
    """A fresh clone of this repository, on ports of its own."""

    def __init__(self, folder: Path, cache: Path) -> None:
        clone = [_tool("git"), "clone", "-q", str(ROOT), str(folder)]
        subprocess.run(clone, check=True)
        self._folder = folder
        self.port, self.flower = free_port(), free_port()
        self._environment = {
            # kept out: what would have each start compile everything anew, and another's settings
            **{name: value for name, value in os.environ.items() if name in _KEPT},
            "PIP_CACHE_DIR": str(cache),
            "PORT": str(self.port),
            "FLOWER_PORT": str(self.flower),
            "LOG_FORMAT": "text",
            "PYTHONUNBUFFERED": "1",
        }

    def install(self) -> dict[str, float]:
        """Make .venv as `make run` does; return the seconds for it and for its packages."""
        python = [sys.executable, "-m", "venv", ".venv"]
        return {
            "venv": self._timed(python),
            "pip install": self._timed([_tool("make"), ".venv/run.done"]),
        }

    def _timed(self, command: list[str]) -> float:
        begun = time.monotonic()
        subprocess.run(command, cwd=self._folder, env=self._environment, check=True)
        return time.monotonic() - begun

    @contextmanager
    def run(self) -> Iterator["tuple[subprocess.Popen[bytes], Path]"]:
        """Run `make run`; give its process and its output."""
        output = self._folder / "output"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [_tool("make"), "run"],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process, output
        finally:
            os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)


_KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PIP_INDEX_URL", "PIP_CONFIG_FILE", "SSL_CERT_FILE")


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(name)
    return found


def started(clone: Clone, name: str) -> Start:
    """Start it, wait for each part and for the first picture; stop it."""
    start, begun = Start(name), time.monotonic()
    with clone.run() as (process, output):
        waits: dict[str, Callable[[], bool]] = {
            "sandbox": lambda: b"listening on http://" in output.read_bytes(),
            "api": lambda: _answers(clone.port, "/healthz"),
            "flower": lambda: _answers(clone.flower, "/"),
            "worker": lambda: re.search(rb"\bready\b.*slots", output.read_bytes()) is not None,
            "ready": lambda: b"is ready." in output.read_bytes(),
        }
        while waits:
            for part in [part for part, there in waits.items() if there()]:
                start.parts[part] = time.monotonic() - begun
                del waits[part]
            if time.monotonic() - begun > _LONGEST_SECONDS or process.poll() is not None:
                raise RuntimeError(f"{list(waits)} did not start: {output.read_text()}")
            time.sleep(_LOOK_SECONDS)
        start.cpu = cpu_seconds(descendants(process.pid))
        _picture(clone.port)
        start.parts["first picture"] = time.monotonic() - begun
    return start


def _answers(port: int, path: str) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", timeout=1).status_code < 500
    except requests.RequestException:
        return False


def _picture(port: int) -> None:
    told = {"prompt": "A magical forest"}
    url = f"http://127.0.0.1:{port}/generate_image?wait=true"
    answer = requests.post(url, json=told, timeout=120).json()
    requests.get(f"http://127.0.0.1:{port}{answer['image_url']}", timeout=30).raise_for_status()


def measure(rounds: int) -> list[Start]:
    """Start two clones cold, the second several times warm."""
    starts = []
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "pip-cache"
        for number, name in enumerate(("cold, pip's cache empty", "cold, pip's cache full")):
            clone = Clone(Path(folder) / f"clone-{number}", cache)
            before = clone.install()
            start = started(clone, name)
            start.before = before
            starts.append(start)
            progress(name, *(f"{each:.1f}" for each in start.parts.values()))
        starts += [started(clone, "warm") for _ in range(rounds)]
    return starts


def rows(starts: Sequence[Start]) -> list[list[object]]:
    """Return a line for each way to start, the median where there are several."""
    lines: list[list[object]] = []
    for name in dict.fromkeys(start.name for start in starts):
        alike = [start for start in starts if start.name == name]
        before = [alike[0].before.get(each, "") for each in ("venv", "pip install")]
        parts = [spread([start.parts[part] for start in alike]) for part in _PARTS]
        cpu = spread([start.cpu for start in alike])
        whole = spread([sum(each.before.values()) + each.parts["first picture"] for each in alike])
        lines.append([name, *before, *parts, cpu, whole, f"{alike[-1].load:.1f}"])
    return lines


def main(words: Sequence[str]) -> None:
    """Measure; print the table."""
    starts = measure(int(words[0]) if words else ROUNDS)
    head = ["start, seconds", "venv", "pip install", *_PARTS, "CPU s of all until ready"]
    lines = rows(starts)
    series = {
        part: [_first(starts, str(line[0]), part) for line in lines]
        for part in ("ready", _PARTS[-1])
    }
    plot = Bars(
        "make run", "seconds after the packages are there", [str(line[0]) for line in lines], series
    )
    report("start", [*head, "all in all", "load"], lines, plot, short=in_short(starts))


def in_short(starts: Sequence[Start]) -> str:
    """Return the medians until all is ready, warm, and until the first picture, cold."""
    cold, *_, warm = (start.name for start in starts)
    whole = next(sum(start.before.values()) + start.parts[_PARTS[-1]] for start in starts)
    ready = spread([start.parts["ready"] for start in starts if start.name == warm])
    return f"{warm}: ready after {ready} s; {cold}: a picture after {whole:.0f} s"


def _first(starts: Sequence[Start], name: str, part: str) -> float:
    return next(start.parts[part] for start in starts if start.name == name)


if __name__ == "__main__":
    main(sys.argv[1:])
