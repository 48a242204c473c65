"""What a person sees: results on stdout, everything else on stderr, and a moving line on a terminal."""

import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column

from client.cli.state import SAVED, Entry
from client.errors import ClientError
from client.models import Batch, Job

_NARROW = 70
# Images after which their number tells how long the rest will take.
_ENOUGH = 5


class Screen:
    """Both outputs; `machine`: JSON on stdout and nothing else, `quiet`: no word beside faults."""

    def __init__(self, *, machine: bool = False, quiet: bool = False) -> None:
        self.machine = machine
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.quiet = quiet
        self.moving = self._console.is_terminal and not quiet
        self._progress: Progress | None = None
        self._trouble = ""

    def result(self, text: str, told: Mapping[str, Any]) -> None:
        """Print one result: a line for people, or its JSON."""
        line = _json(told) if self.machine else plain(text)
        if self._progress and sys.stdout.isatty():
            # above the moving line, which would else be broken by it
            self._progress.console.print(escape(line), soft_wrap=True)
            return
        encoding = sys.stdout.encoding or "utf-8"
        # by one call, for several threads print
        sys.stdout.write(f"{line}\n".encode(encoding, "replace").decode(encoding))
        sys.stdout.flush()

    def results(self, lines: Sequence[str], told: Mapping[str, Any]) -> None:
        """Print one result that takes a person several lines."""
        for line in [""] if self.machine else lines:
            self.result(line, told)

    def say(self, text: str) -> None:
        """Tell a person something that is no result."""
        if not self.quiet:
            self._console.print(escape(plain(text)))

    def trouble(self, error: ClientError, seconds: float) -> None:
        """Tell, once for the same, of trouble that is sat out."""
        if error.message != self._trouble:
            self.say(f"{error.message}; trying again, next in {seconds:.0f} s")
        self._trouble = error.message

    def fault(self, text: str) -> None:
        """Tell a person what went wrong."""
        self._console.print(f"[bold red]error:[/] {escape(plain(text))}")

    def note(self, text: str) -> None:
        """Tell a person more about what went wrong."""
        self._console.print(escape(plain(text)))

    @property
    def width(self) -> int:
        """Return the width of the terminal, in characters."""
        return self._console.width

    @contextmanager
    def progress(self, text: str, total: int | None = None) -> Iterator["Tally"]:
        """Show how it goes, where stderr is a terminal."""
        tally = Tally(self, total)
        if not self.moving:
            yield tally
            return
        with self._shown(total) as progress:
            tally.show_on(progress, progress.add_task("", total=total, text=text))
            yield tally

    @contextmanager
    def _shown(self, total: int | None) -> Iterator[Progress]:
        shown = Progress(
            *self._columns(total),
            console=self._console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        with shown:
            self._progress = shown
            try:
                yield shown
            finally:
                self._progress = None

    def _columns(self, total: int | None) -> list[Any]:
        ascii_only = self._console.options.ascii_only
        spinner = SpinnerColumn("line" if ascii_only else "dots")
        text = TextColumn(
            "{task.fields[text]}", markup=False, table_column=Column(no_wrap=True, ratio=1)
        )
        if total is None:
            return [spinner, text, TimeElapsedColumn()]
        done = TextColumn("{task.completed:.0f}/{task.total:.0f}")
        bar = [] if self._console.width < _NARROW else [BarColumn(bar_width=24)]
        return [spinner, *bar, done, text, TimeElapsedColumn()]


class Tally:
    """How an order or a batch goes, as one line."""

    def __init__(self, screen: Screen, total: int | None) -> None:
        self._screen, self._total = screen, total
        self._progress: Progress | None = None
        self._task = TaskID(0)
        # Never held while something is printed: who is interrupted waits for no thread that prints.
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._standing = "ordering"
        self._folder = Path()
        self._earlier, self._begun = 0, time.monotonic()

    def show_on(self, progress: Progress, task: TaskID) -> None:
        """Use a moving line from now on."""
        self._progress, self._task = progress, task

    def begin(self, entries: Sequence[Entry], folder: Path) -> None:
        """Count what an earlier run has brought to a folder."""
        self._folder = folder
        self._counts = Counter(_outcome(entry) for entry in entries if is_over(entry))
        self._earlier = sum(self._counts.values())
        self._draw()

    def ended(self, entry: Entry) -> None:
        """Tell of an image that is here, or will never be."""
        with self._lock:
            self._counts[_outcome(entry)] += 1
        if entry.status != SAVED:
            self._screen.say(f"{entry.status}: {entry.stem}: {entry.error or 'no image of it'}")
        elif not self._screen.machine:
            self._screen.result(str(self._folder / (entry.file or "")), {})
        self._draw()

    def stands(self, batch: Batch, place: Job | None) -> None:
        """Tell how those stand that are still to come."""
        counts = {"being made": batch.counts.get("running"), "waiting": batch.counts.get("queued")}
        told = [f"{count} {how}" for how, count in counts.items() if count]
        self._standing = waiting(place) if place else ", ".join(told)
        self._draw()

    def batch(self, batch: Batch) -> None:
        """Tell how a batch stands."""
        counts = [f"{count} {status}" for status, count in batch.counts.items() if count]
        self._update(", ".join(counts))

    def job(self, job: Job) -> None:
        """Tell how a single job stands."""
        self._update(f"{_title(job)}  {waiting(job)}")

    def _draw(self) -> None:
        with self._lock:
            failed = self._counts["failed"]
            told = (f"{failed} failed" if failed else "", self._standing, self._left())
        self._update(", ".join(part for part in told if part))

    def _left(self) -> str:
        """Return how long the rest may take, by how long this run took for what is over."""
        over = sum(self._counts.values())
        fresh, left = over - self._earlier, (self._total or 0) - over
        if fresh < _ENOUGH or not left:
            return ""
        seconds = (time.monotonic() - self._begun) * left / fresh
        return f"about {seconds:.0f} s left"

    def _update(self, text: str) -> None:
        if self._progress:
            with self._lock:
                over = sum(self._counts.values())
            self._progress.update(self._task, completed=over, text=plain(text))


def waiting(job: Job) -> str:
    """Return in a few words how a job stands."""
    if job.status != "queued":
        return {"running": "being made"}.get(job.status, job.status)
    place = f", place {job.queue_position}" if job.queue_position else ""
    seconds = f", about {job.eta_seconds} s" if job.eta_seconds else ""
    return f"waiting{place}{seconds}"


def is_over(entry: Entry) -> bool:
    """Tell whether nothing is to come of an entry any more."""
    return entry.status not in {"planned", "ordered"}


def plain(text: str) -> str:
    """Return a text as one line that steers no terminal; tabs stay."""
    return "".join(char if char.isprintable() or char == "\t" else " " for char in text)


def _json(told: Mapping[str, Any]) -> str:
    """Return JSON that steers no terminal either: what can't be printed stands there by its number."""
    return "".join(
        char if char.isprintable() else json.dumps(char)[1:-1]
        for char in json.dumps(told, ensure_ascii=False)
    )


def _outcome(entry: Entry) -> str:
    return "done" if entry.status == SAVED else "failed"


def _title(job: Job) -> str:
    prompt = str(job.request.get("prompt") or job.request.get("mode") or job.kind)
    return prompt if len(prompt) <= 40 else f"{prompt[:37]}..."
