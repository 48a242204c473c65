"""Contract of what each benchmark leaves."""

from pathlib import Path

import pytest

from benchmarks import report as module
from benchmarks.plots import Bars, Lines, Plot, draw
from benchmarks.report import report, spread

PLOTS = {
    "bars": Bars("Bars", "ms", ["0", "50"], {"ours": [1.5, 2], "other": [3, None]}),
    "lines": Lines("Lines", "jobs", "ms", {"ours": [(1_000, 1), (10_000, 2)]}, log_x=True),
}


def test_a_report_is_printed_and_kept_with_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "RESULTS", tmp_path / "results")

    report("some", ("way", "ms"), [["ours", 1.25]], notes=["Nothing else ran."])

    told = (tmp_path / "results" / "some.md").read_text()
    assert capsys.readouterr().out == told
    assert told.startswith("| way | ms |\n| --- | --- |\n| ours | 1.2 |\n\nNothing else ran.")
    assert all(word in told for word in ("cores", "celery ", "Python ", "Load average"))
    assert (tmp_path / "results" / "some.csv").read_text() == "way,ms\nours,1.25\n"


@pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS.keys())
def test_a_plot_holds_its_series_and_nothing_that_runs(plot: Plot, tmp_path: Path) -> None:
    pytest.importorskip("pygal", reason="comes with requirements-bench.txt")

    draw(plot, tmp_path / "plot.svg")

    drawn = (tmp_path / "plot.svg").read_text()
    assert "ours" in drawn
    assert plot.title in drawn
    assert "<script" not in drawn


@pytest.mark.parametrize(
    ("values", "told"),
    [([], ""), ([2.0], "2.0"), ([3.0, 1.0], "2.0 (1.0 to 3.0)"), ([1, 9, 2], "2.0 (1.0 to 9.0)")],
)
def test_a_spread_is_the_median_of_the_rounds_between_the_extremes(
    values: list[float], told: str
) -> None:
    assert spread(values) == told
