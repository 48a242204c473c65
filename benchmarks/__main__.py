"""Run the benchmarks one after the other: `python -m benchmarks [names]`; `make bench` runs all.

Each is a program of its own: one that fails, or takes longer than it may, leaves the others alone. At
the end stands how long each took and what it says in one line; the exit code is 1 when one has failed.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from benchmarks import report
from benchmarks.figures import table
from benchmarks.processes import descendants
from tests.redis_server import ROOT

# By name, with the seconds that each takes on two quiet cores.
PROGRAMS = {
    "overhead": 290,
    "submissions": 150,
    "waiting": 180,
    "in_flight": 140,
    "limit_use": 275,
    "growth": 60,
    "start": 90,
}
# No part of all: they take long, or compare nothing.
OTHERS = {"queue_wait": 120, "capacity": 50, "pacing": 620}
# A busy machine takes its time; who takes longer than that stands still.
_PATIENCE = 4
_STOP_SECONDS = 90


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code (None: it was stopped), after how many seconds."""

    name: str
    code: int | None
    seconds: float

    @property
    def short(self) -> str:
        """What it found, in one line, or how it failed."""
        if self.code is None:
            return "FAILED: it took too long"
        if self.code:
            return f"FAILED: exit code {self.code}"
        told = (report.RESULTS / f"{self.name}.md").read_text(encoding="utf-8").splitlines()
        found = [line.removeprefix(report.SHORT) for line in told if line.startswith(report.SHORT)]
        return found[0] if found else ""


def run(name: str, seconds: float) -> Ran:
    """Run a program for so many seconds at most."""
    begun = time.monotonic()
    with _ctrl_c_heeded():
        process = subprocess.Popen([sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT)
    code: int | None
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        code = None
        # as Ctrl-C, which a terminal sends to both: it then ends what it has started
        process.send_signal(signal.SIGINT)
    finally:
        see_it_end(process)
    return Ran(name, code, time.monotonic() - begun)


@contextmanager
def _ctrl_c_heeded() -> Iterator[None]:
    """Let what is started heed Ctrl-C, also when a shell in the background has it ignored here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def see_it_end(process: "subprocess.Popen[bytes]") -> None:
    """Wait until a program has ended; kill it, with all that it has started, when it takes too long."""
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        # what it has started would run beside the next one
        started = descendants(process.pid)
        process.kill()
        process.wait()
        for pid in started:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def main(words: Sequence[str]) -> int:
    """Run all, or those that are named; return the exit code."""
    every = {**PROGRAMS, **OTHERS}
    unknown = [word for word in words if word not in every]
    if unknown:
        print(f"No benchmark: {', '.join(unknown)}. There are: {', '.join(every)}", file=sys.stderr)
        return 2
    names = words or list(PROGRAMS)
    ran: list[Ran] = []
    for number, name in enumerate(names, 1):
        left = sum(every[each] for each in names[number - 1 :]) / 60
        print(
            f"\n{name}, {number} of {len(names)}; {left:.0f} min to go on a quiet machine\n",
            file=sys.stderr,
        )
        ran.append(run(name, _PATIENCE * every[name]))
    took = sum(each.seconds for each in ran)
    lines = [[each.name, f"{each.seconds:.0f}", each.short] for each in ran]
    print(f"\n{table(('benchmark', 'seconds', 'in short'), [*lines, ['all', f'{took:.0f}', '']])}")
    print(f"\nTables, CSVs and plots: {report.RESULTS.relative_to(ROOT)}")
    return int(any(each.code != 0 for each in ran))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
