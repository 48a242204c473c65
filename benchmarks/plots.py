"""Plots of measurements as SVG; `pygal`, which draws them, comes with requirements-bench.txt."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import Any

# Told apart by those who see few colours, too.
_COLOURS = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#d55e00",
    "#56b4e9",
    "#cc79a7",
    "#4d4d4d",
    "#999933",
)
_LINE_LETTERS, _ASLANT_DEGREES = 100, 20
# Pixels of a line of the legend, which has so many columns.
_LEGEND_LINE, _COLUMNS = 20, 4


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar for each group and series, in the order of the groups; None where nothing was measured."""

    title: str
    y: str
    groups: Sequence[str]
    series: Mapping[str, Sequence[float | None]]


@dataclass(frozen=True, slots=True)
class Lines:
    """A line for each series through its points (x, y); `log_x` scales x."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    log_x: bool = False


Plot = Bars | Lines


def draw(plot: Plot, file: Path) -> None:
    """Write a plot; raises ImportError where pygal is not installed."""
    chart = _bars(plot) if isinstance(plot, Bars) else _lines(plot)
    # nothing in the file runs or is fetched, and the same figures give the same file
    drawn = re.sub(r"<script.*?</script>", "", chart.render(), flags=re.DOTALL)
    file.write_text(drawn + "\n", encoding="utf-8")


def _bars(plot: Bars) -> Any:
    import pygal  # noqa: PLC0415 - the tables come without it

    # names that would run into each other stand aslant
    aslant = _ASLANT_DEGREES if sum(map(len, plot.groups)) > _LINE_LETTERS else 0
    chart = pygal.Bar(
        x_labels=list(plot.groups), x_label_rotation=aslant, truncate_label=-1, **_options(plot)
    )
    for name, values in plot.series.items():
        chart.add(name, list(values))
    return chart


def _lines(plot: Lines) -> Any:
    import pygal  # noqa: PLC0415

    chart = pygal.XY(x_title=plot.x, dots_size=3, **_options(plot))
    if plot.log_x:
        chart.x_value_formatter = lambda exponent: f"{10**exponent:,.0f}"
        measured = {x for points in plot.series.values() for x, _ in points}
        chart.x_labels = [log10(x) for x in sorted(measured)]
    for name, points in plot.series.items():
        chart.add(name, [(log10(x) if plot.log_x else x, y) for x, y in points])
    return chart


def _options(plot: Plot) -> dict[str, Any]:
    from pygal.style import Style  # noqa: PLC0415

    style = Style(
        background="white",
        plot_background="white",
        colors=_COLOURS,
        opacity=1,
        font_family="sans-serif",
        title_font_size=18,
        label_font_size=13,
        major_label_font_size=13,
        legend_font_size=13,
    )
    below = _LEGEND_LINE * ((len(plot.series) - 1) // _COLUMNS)
    below += _LEGEND_LINE if isinstance(plot, Lines) else 0  # the name of x stands there
    return {
        "title": plot.title,
        "style": style,
        "width": 900,
        "height": 440 + below,
        # the legend has the room of one line by itself
        "margin_bottom": 20 + below,
        "legend_at_bottom": True,
        "truncate_legend": -1,
        "legend_at_bottom_columns": _COLUMNS,
        "y_title": plot.y,
        "js": (),
        "no_prefix": True,
        "disable_xml_declaration": True,
    }
