"""Processes that the benchmarks start, and what they cost, as the system tells it (Linux)."""

import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from tests.redis_server import ROOT

# The product's worker, as the README starts it.
WORKER = ("celery", "-q", "-A", "worker.celery_app", "worker", "--without-gossip")
_STOP_SECONDS = 30
_context = multiprocessing.get_context("spawn")
Channel = Connection
Process = subprocess.Popen


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the seconds of CPU time that these processes have used, with those of ended children."""
    told = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(number) for each in told for number in each[11:15]) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pids: Iterable[int]) -> int:
    """Return the bytes that these processes hold, each shared page divided by who shares it (PSS)."""
    told = "\n".join(Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return 1024 * sum(int(line.split()[1]) for line in told.splitlines() if line.startswith("Pss:"))


def descendants(pid: int) -> list[int]:
    """Return all processes that a process has started, directly or not."""
    return family(pid)[1:]


def family(pid: int) -> list[int]:
    """Return a process and all that it has started, directly or not."""
    told = ""
    with suppress(OSError):  # it has ended meanwhile
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(child for each in told.split() for child in family(int(each)))]


def cpu_of(folder: Path) -> float:
    """Return the CPU seconds of all processes to whose environment a folder was given."""
    told = 0.0
    for pid in processes_of(folder):
        with suppress(OSError):  # it may have ended
            told += cpu_seconds([pid])
    return told


def processes_of(folder: Path) -> dict[int, bytes]:
    """Return all processes to whose environment a folder was given, with their command lines."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        # it may end, or be somebody else's
        with suppress(OSError):
            if f"{folder}/".encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_bytes()
    return found


def open_files(needed: int) -> None:
    """Let this process, and what it starts, open so many files; raises SystemExit where it may not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise SystemExit(f"{needed} open files are needed; the hard limit is {hard} (ulimit -Hn)")
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def start(command: Sequence[str], log: Path, environment: Mapping[str, str]) -> "Process[bytes]":
    """Start a Python module with its arguments; its output is added to a file."""
    with log.open("ab") as file:
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, "API_KEY": "", **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    ends_by: signal.Signals = signal.SIGTERM,
) -> Iterator["Process[bytes]"]:
    """Run a Python module with its arguments, for as long as the block lasts."""
    process = start(command, log, environment)
    with stopped([process], ends_by):
        yield process


@contextmanager
def stopped(
    processes: Sequence["Process[bytes]"], ends_by: signal.Signals = signal.SIGTERM
) -> Iterator[None]:
    """Stop these processes, which were started here, when the block ends."""
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(ends_by)
        for process in processes:
            try:
                process.wait(timeout=_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                # with whatever it has started itself
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


@contextmanager
def beside(work: Callable[..., None], *given: object) -> "Iterator[Channel[object, object]]":
    """Run a function in a process of its own; its first argument is the other end of what is given."""
    ours, theirs = _context.Pipe()
    process = _context.Process(target=work, args=[theirs, *given], daemon=True)
    process.start()
    theirs.close()  # or its end would not be seen here
    try:
        yield ours
    finally:
        process.terminate()
        process.join()
