"""Storage: can pictures be written, is there room, and how long does a disk take to keep one?"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from shared.services import Services
from worker.doctor.findings import Finding, note, ok, wrong

_SLOW_SECONDS = 0.1
_PICTURE = 1024**2
_MENDS = {
    "not writable": "make the folder, or give this user the right to write into it",
    "almost full": 'make room: docs/operations.md, "Storage is full"',
}


def check(services: Services) -> Iterator[Finding]:
    """Look where the pictures are kept."""
    place = services.settings.storage_url
    if trouble := services.images.trouble():
        mend = _MENDS.get(trouble, "look at STORAGE_URL")
        yield wrong("storage", f"{place}: {trouble}; no job is started meanwhile", mend)
        return
    if re.match(r"[a-z0-9]+://", place):
        yield ok("storage", f"{place} takes pictures")
        return
    folder = Path(place).absolute()
    room = shutil.disk_usage(folder).free / 1024**3
    took = _seconds_to_keep(folder)
    told = f"{folder}: {room:,.1f} GiB free; a picture is kept in {took * 1000:.0f} ms"
    if took > _SLOW_SECONDS:
        yield note("storage", told, "a slow disk holds up workers at each picture")
    else:
        yield ok("storage", told)


def _seconds_to_keep(folder: Path) -> float:
    begun = time.perf_counter()
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"\0" * _PICTURE)
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - begun
