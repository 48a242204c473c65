"""What a folder knows of its batch, written before anything is sent: a rerun pays nothing twice."""

import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from client.cli.faults import Stopped, UsageFault
from client.files import write_whole

FILE, _LOCK = ".batch.json", ".batch.lock"
_VERSION = 1
# The service keeps an idempotency key for 24 hours; clocks differ a little.
_KEY_SECONDS = 23 * 3600.0
# What was fetched and is not written down is found by its name and size: that may be written late.
_LATE_SECONDS = 1.0

PLANNED, ORDERED, SAVED, AGAIN = "planned", "ordered", "saved", "again"
LOST = "lost"


@dataclass(slots=True)
class Entry:
    """One image: its request, its file's name, and how far it came.

    `status` is planned, ordered, saved, or how it ended (failed, canceled, gone, lost); `again` when a
    later entry has taken its place.
    """

    mark: str
    number: int
    kind: str
    request: dict[str, Any]
    stem: str
    source: str | None = None
    status: str = PLANNED
    job_id: str | None = None
    file: str | None = None
    error: str | None = None
    error_code: str | None = None


@dataclass(slots=True)
class Group:
    """What is sent as one batch, under one idempotency key; `sent` is when that was first tried."""

    key: str
    sent: float | None = None
    batch_id: str | None = None
    entries: list[Entry] = field(default_factory=list)

    def key_is_kept(self) -> bool:
        """Tell whether sending it again surely is no second order."""
        return self.sent is None or 0 <= time.time() - self.sent < _KEY_SECONDS


@dataclass(slots=True)
class State:
    """The groups of a folder, and the service that they were ordered from.

    Who changes an entry while images are being fetched, which several threads do, holds `lock`: for no
    longer than that takes, so neither while something is written nor while it is printed.
    """

    folder: Path
    service: str
    groups: list[Group] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    # Whoever writes holds this too, for as long as the disk takes.
    _writes: threading.Lock = field(default_factory=threading.Lock)
    _written: float = 0.0

    def latest(self) -> dict[str, tuple[Group, Entry]]:
        """Return by mark what became of each request."""
        return {entry.mark: (group, entry) for group in self.groups for entry in group.entries}

    def stems(self) -> set[str]:
        """Return the names that are given away, in lower case: some systems don't tell case."""
        return {entry.stem.lower() for group in self.groups for entry in group.entries}

    def plan(self, entries: list[Entry]) -> None:
        """Add a group; nothing of it is sent before it is on disk."""
        self.groups.append(Group(f"client-{secrets.token_hex(16)}", entries=entries))

    def about_to_send(self, group: Group) -> None:
        """Write down that from now on a group may have been accepted."""
        if group.sent is None:
            group.sent = time.time()
        self.write()

    def drop(self, group: Group) -> None:
        """Forget a group that was surely not accepted."""
        self.groups.remove(group)
        self.write()

    def write(self, seconds: float = -1) -> None:
        """Write all of it, whole or not at all; not when somebody else takes `seconds` to write it."""
        if not self._writes.acquire(timeout=seconds):
            return
        try:
            write_whole(self.folder / FILE, [self._told()], replace=True)
            self._written = time.monotonic()
        finally:
            self._writes.release()

    def _told(self) -> bytes:
        with self.lock:
            told = {
                "version": _VERSION,
                "service": self.service,
                "groups": [asdict(group) for group in self.groups],
            }
        return json.dumps(told, ensure_ascii=False, indent=1).encode(errors="replace")

    def write_late(self) -> None:
        """Write it unless that was done a moment ago, or is being done."""
        if time.monotonic() - self._written > _LATE_SECONDS:
            self.write(0)


def read_state(folder: Path, service: str) -> State:
    """Return what a folder knows, nothing for a new one; raise Stopped when it is another's."""
    try:
        told = json.loads((folder / FILE).read_text(encoding="utf-8"))
        version, ordered_from = told["version"], told.get("service")
        if version == _VERSION and ordered_from == service:
            return State(folder, service, [_group(group) for group in told["groups"]])
    except FileNotFoundError:
        return State(folder, service)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Stopped(
            f"{folder / FILE} is damaged; without it nobody knows what was paid"
        ) from None
    if version != _VERSION:
        raise Stopped(f"{folder / FILE} was written by another version of this program")
    raise Stopped(f"{folder} holds a batch that was ordered from {ordered_from}")


def _group(told: dict[str, Any]) -> Group:
    return Group(**{**told, "entries": [Entry(**entry) for entry in told["entries"]]})


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a second run out of a folder; the lock ends with its process, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("a+b")
    except OSError as problem:
        raise UsageFault(f"{folder} can't be written to: {problem.strerror}") from None
    with file:
        try:
            _lock(file)
        except OSError:
            raise Stopped(f"Another run is at work in {folder}") from None
        yield


def _lock(file: IO[bytes]) -> None:
    if os.name == "nt":
        import msvcrt  # noqa: PLC0415 - Windows alone has it

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    else:
        import fcntl  # noqa: PLC0415 - and this is what the others have

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
