"""Keep one entry for every call that was charged, in memory and optionally in a file.

The file holds JSON lines and is only ever appended to: an entry when its call is charged, and
later, when more is known, a short line with the same `id` whose fields replace the entry's. So
nothing is lost if the process is killed between the charge and the delivery.
"""

import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """Hold the entries by id, which counts from 1."""

    def __init__(self, path: Path | None = None) -> None:
        """Read back what an earlier run left in `path`; raise OSError or ValueError if unable."""
        self._entries: dict[int, Entry] = {}
        self._last_id = 0
        self._path = path
        if path:
            path.touch()
            self._read_back(path)

    def add(self, entry: Entry) -> int:
        """Record a charged call and return its id."""
        self._last_id += 1
        self._write({"id": self._last_id, **entry})
        return self._last_id

    def amend(self, entry_id: int, **known: object) -> None:
        """Complete an entry; one that was deleted meanwhile stays deleted."""
        entry = self._entries.get(entry_id)
        if entry and any(entry.get(name) != value for name, value in known.items()):
            self._write({"id": entry_id, **known})

    def entries(self, prompt: str | None = None) -> list[Entry]:
        """List the entries in order, if asked only those of one exact prompt."""
        return [
            entry
            for entry in self._entries.values()
            if prompt is None or entry["fields"].get("prompt") == prompt
        ]

    def spent(self) -> int:
        """Sum what was charged, in thousandths of a credit."""
        return sum(round(entry["credits"] * 1000) for entry in self._entries.values())

    def clear(self) -> None:
        """Forget every entry, in the file too."""
        self._entries.clear()
        if self._path:
            self._path.write_text("", encoding="utf-8")

    def _read_back(self, path: Path) -> None:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                self._merge(json.loads(line))
            except (ValueError, TypeError, KeyError):
                raise ValueError(f"line {number} of {path} is no entry of a ledger") from None
        self._last_id = max(self._entries, default=0)

    def _write(self, line: Entry) -> None:
        self._merge(line)
        if self._path:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _merge(self, line: Entry) -> None:
        self._entries.setdefault(line["id"], {}).update(line)
