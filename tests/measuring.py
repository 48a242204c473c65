"""What a piece of work costs: time of a core, and memory at its most."""

import gc
import re
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of a core, and bytes beyond those that were held before."""

    seconds: float
    memory: int


def cost_of(work: Callable[[], object]) -> Cost:
    """Do some work and return what it took; where the system does not tell, memory is Python's only."""
    gc.collect()
    peak = _peak_of_the_process if _RESET.exists() else _peak_of_python
    begun = time.process_time()
    memory = peak(work)
    return Cost(time.process_time() - begun, memory)


def memory_held() -> int:
    """Return the bytes that this process has in memory, 0 where nobody tells."""
    return _told("VmRSS") if _STATUS.exists() else 0


def _peak_of_the_process(work: Callable[[], object]) -> int:
    _RESET.write_text("5")  # forget the most so far
    before = _told("VmHWM")
    work()
    return _told("VmHWM") - before


def _peak_of_python(work: Callable[[], object]) -> int:
    tracemalloc.start()
    work()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def _told(what: str) -> int:
    told = re.search(rf"^{what}:\s+(\d+) kB", _STATUS.read_text(), re.MULTILINE)
    return int(told[1]) * 1024 if told else 0
