"""Read the books when it is over: the job store, the storage, the provider's ledger."""

import hashlib
import io
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from PIL import Image

from shared.errors import BrokenImage, StoreUnavailable
from shared.image_file import inspect
from shared.job_index import EVERYBODYS, Cursor, JobIndex, Wanted
from shared.jobs import Job
from tests.chaos.judge import Charge, Picture, StoredJob

_PAGE = 100
_REPEATS = "calls_repeated_unknown_outcome"
_STORE_SECONDS = 20.0


def stored_jobs(index: JobIndex) -> list[StoredJob]:
    """Return every job that the store knows; may raise StoreUnavailable."""
    return [
        StoredJob(
            id=job.id,
            mark=(job.metadata or {}).get("mark", ""),
            status=job.status,
            error_code=job.error_code or "",
            unknown=job.unknown,
            image=job.image,
        )
        for job in _all_jobs(index)
    ]


def open_jobs(index: JobIndex) -> bool:
    """Tell whether any job has not ended; may raise StoreUnavailable."""
    return bool(index.newest(Wanted(EVERYBODYS, statuses=("queued", "running"), limit=1)))


def drain(index: JobIndex, seconds: float) -> None:
    """Wait until every job has ended, but not for ever: what has not is judged as lost."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(StoreUnavailable):
            if not open_jobs(index):
                return
        time.sleep(0.5)


def books(index: JobIndex) -> tuple[list[StoredJob], int]:
    """Return all jobs and how many calls were repeated with unknown outcome."""
    end = time.monotonic() + _STORE_SECONDS
    while True:
        try:
            return stored_jobs(index), index.counts().get(_REPEATS, 0)
        except StoreUnavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _all_jobs(index: JobIndex) -> Iterator[Job]:
    after = None
    while page := index.newest(Wanted(EVERYBODYS, after=after, limit=_PAGE)):
        yield from page
        after = Cursor(page[-1].created, page[-1].id)


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield what is in a folder that is a storage: name and content."""
    return ((file.name, file.read_bytes()) for file in folder.iterdir() if file.is_file())


def pictures(kept: Iterable[tuple[str, bytes]]) -> dict[str, Picture]:
    """Return what is in a storage (name and content) by name, each checked and decoded."""
    return {name: _looked_at(data) for name, data in kept}


def _looked_at(data: bytes) -> Picture:
    fault = ""
    try:
        info = inspect(data)
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            if image.size != (info.width, info.height):
                fault = f"has {image.size} pixels and says {info.width} x {info.height}"
    except (BrokenImage, OSError, ValueError, SyntaxError) as error:
        fault = str(error) or type(error).__name__
    return Picture(hashlib.sha256(data).hexdigest(), fault)


def charges(ledger: Path, uploads: Mapping[str, str]) -> list[Charge]:
    """Return what was charged; `uploads` names the job of a picture that was sent, by its SHA-256."""
    entries: dict[int, dict[str, object]] = {}
    for line in ledger.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        entries.setdefault(told["id"], {}).update(told)
    return [_charge(entry, uploads) for entry in entries.values()]


def _charge(entry: Mapping[str, object], uploads: Mapping[str, str]) -> Charge:
    fields = entry["fields"]
    prompt = fields.get("prompt") if isinstance(fields, dict) else None
    return Charge(
        mark=str(prompt or uploads[str(entry["input_sha256"])]),
        arrived=_seconds(entry["arrived"]),
        charged=_seconds(entry["time"]),
        fault=str(entry["fault"] or ""),
        sha256=str(entry["output_sha256"] or ""),
    )


def _seconds(moment: object) -> float:
    return datetime.fromisoformat(str(moment)).timestamp()
