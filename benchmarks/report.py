"""What each program leaves: a table for people, a CSV, a plot, and on what machine that was."""

import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import cell, table
from benchmarks.machine import load, machine, versions
from benchmarks.plots import Plot, draw

RESULTS = Path(__file__).parent / "results"
SHORT = "In short: "
# As it was when the program began to run.
_LOAD = load()


def report(
    name: str,
    head: Sequence[str],
    rows: Sequence[Sequence[object]],
    plot: Plot | None = None,
    notes: Sequence[str] = (),
    short: str = "",
) -> None:
    """Print a table with its machine, versions, load and notes; write results/<name>.md, .csv, .svg.

    `short` is what the table says in one line.
    """
    RESULTS.mkdir(exist_ok=True)
    facts = [
        *([f"{SHORT}{short}."] if short else []),
        *notes,
        f"Machine: {machine()}.",
        f"Versions: {versions()}.",
        f"Load average of a minute: {_LOAD:.1f} at the start, {load():.1f} at the end.",
    ]
    told = "\n\n".join([table(head, rows), *facts])
    print(told)
    (RESULTS / f"{name}.md").write_text(told + "\n", encoding="utf-8")
    with (RESULTS / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    if plot is None:
        return
    try:
        draw(plot, RESULTS / f"{name}.svg")
    except ImportError:
        print("No plot: pip install -r requirements-bench.txt", file=sys.stderr)


def progress(*words: object) -> None:
    """Say at once what has been measured, beside the table that comes at the end."""
    print(*map(cell, words), sep="\t", file=sys.stderr, flush=True)


def spread(values: Sequence[float], form: str = ".1f") -> str:
    """Return the median of several rounds, with the least and the most where there is more than one.

    Of none it is empty.
    """
    if not values:
        return ""
    ordered = sorted(values)
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    if len(ordered) == 1:
        return f"{middle:{form}}"
    return f"{middle:{form}} ({ordered[0]:{form}} to {ordered[-1]:{form}})"
