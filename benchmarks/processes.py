"""What processes cost, as the system tells it (Linux): CPU time and memory."""

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


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
    told = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [pid, *(child for each in told.split() for child in family(int(each)))]


@contextmanager
def stopped(processes: Sequence["subprocess.Popen[bytes]"]) -> Iterator[None]:
    """Stop these processes when the block ends."""
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=60)
