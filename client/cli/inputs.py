"""From prompts in a file, or images on disk, to what is ordered for each."""

import csv
import hashlib
import io
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from client.cli import names
from client.cli.faults import UsageFault

_WHOLE = re.compile(r"-?[0-9]{1,15}")
_NAME = "name"
_METADATA = "metadata."
# A cell of these is text, whatever it looks like.
_TEXTS = {"prompt", "negative_prompt", _NAME}


@dataclass(frozen=True, slots=True)
class Order:
    """One image to order: its request, its place in the input, and what its file is called.

    `mark` is the same for the same request of the same input, also in another run.
    """

    kind: str
    number: int
    request: Mapping[str, Any]
    stem: str
    mark: str
    source: Path | None = None


def read_prompts(path: str, options: Mapping[str, Any], template: str | None) -> list[Order]:
    """Read a file of prompts (- is the standard input), laid over options; raise UsageFault."""
    text = _text(path)
    kind = Path(path).suffix.lower()
    read = {".jsonl": _json_lines, ".ndjson": _json_lines, ".csv": _table}.get(kind, _plain_lines)
    entries = list(read(text))
    if not entries:
        raise UsageFault(f"{path} holds no prompt")
    requests = []
    for entry in entries:
        own = {name: value for name, value in entry.items() if name != _NAME}
        requests.append({**options, **own})
    marks = _marks("generate", requests)
    return [
        Order("generate", number, request, _stem(template, number, request, entry), mark)
        for number, (request, mark, entry) in enumerate(
            zip(requests, marks, entries, strict=True), start=1
        )
    ]


def read_images(
    paths: Sequence[Path], options: Mapping[str, Any], template: str | None
) -> list[Order]:
    """Read images to enlarge; raise UsageFault for one that can't be read."""
    marks = _marks("upscale", [{**options, "image": digest_of(path)} for path in paths])
    return [
        Order("upscale", number, options, enlarged(path, number, options, template), mark, path)
        for number, (path, mark) in enumerate(zip(paths, marks, strict=True), start=1)
    ]


def enlarged(path: Path, number: int, options: Mapping[str, Any], template: str | None) -> str:
    """Return what an enlarged image is called: photo-4x, or photo-creative."""
    mode = options.get("mode", "fast")
    facts = {"stem": path.stem, "number": f"{number:03}", "mode": mode}
    usual = "{stem}-4x" if mode == "fast" else "{stem}-{mode}"
    return names.fill(template or usual, facts)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file; raise UsageFault."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as problem:
        raise UsageFault(f"{path} can't be read: {problem.strerror}") from None


def _stem(
    template: str | None, number: int, request: Mapping[str, Any], entry: Mapping[str, Any]
) -> str:
    facts = {
        "number": f"{number:03}",
        "slug": names.slug(str(entry.get(_NAME) or request.get("prompt", ""))),
        "model": request.get("model", "core"),
        "seed": request.get("seed", 0),
    }
    return names.fill(template or "{number}-{slug}", facts)


def _marks(kind: str, requests: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a mark for each request; the second of two that are the same has one of its own."""
    seen: Counter[str] = Counter()
    marks = []
    for request in requests:
        mark = mark_of(kind, request)
        seen[mark] += 1
        marks.append(f"{mark}-{seen[mark]}")
    return marks


def mark_of(kind: str, request: Mapping[str, Any]) -> str:
    """Return what tells a request from others, whatever the order of its fields."""
    text = json.dumps([kind, request], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def _text(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode("utf-8-sig")
    except OSError as problem:
        raise UsageFault(f"{path} can't be read: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise UsageFault(f"{path} must be text in UTF-8") from None


def _plain_lines(text: str) -> Iterator[dict[str, Any]]:
    for line in text.splitlines():
        if (prompt := line.strip()) and not prompt.startswith("#"):
            yield {"prompt": prompt}


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError:
            entry = None
        if not isinstance(entry, dict):
            raise UsageFault(f"Line {number} must be a JSON object with a prompt")
        yield entry


def _table(text: str) -> Iterator[dict[str, Any]]:
    """Read CSV with a header of field names; an empty cell is a field that is not given."""
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", strict=True)
    try:
        if "prompt" not in (rows.fieldnames or ()):
            raise UsageFault("The first line of a CSV file names its columns; one must be prompt")
        for row in rows:
            if "" in row:
                raise UsageFault(f"Line {rows.line_num} has more cells than the first line")
            if any(row.values()):
                yield _entry(row)
    except csv.Error as problem:
        raise UsageFault(f"Line {rows.line_num} can't be read: {problem}") from None


def _entry(row: Mapping[str, str | None]) -> dict[str, Any]:
    given = {name: cell for name, cell in row.items() if cell}
    entry: dict[str, Any] = {
        name: int(cell) if name not in _TEXTS and _WHOLE.fullmatch(cell) else cell
        for name, cell in given.items()
        if not name.startswith(_METADATA)
    }
    metadata = {
        name.removeprefix(_METADATA): cell
        for name, cell in given.items()
        if name.startswith(_METADATA)
    }
    return {**entry, "metadata": metadata} if metadata else entry
