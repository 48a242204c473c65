"""What the comparison of ways of pacing tells of a run."""

import pytest

from benchmarks.pacing import Errand, Waited, plot, row
from benchmarks.pacing_ways import contenders
from benchmarks.provider import Counted


def test_a_run_is_told_from_what_the_provider_counted_and_the_callers_waited() -> None:
    errand = Errand(contenders()[0], "", 0, begin=0.0, end=50.0, alone=True)
    calls = [number / 15 for number in range(750)]

    told = row(errand, 0.05, Counted(calls, 3), [Waited([1.0, 3.0], 6), Waited([2.0, 2.0], 2)])

    assert told[2:] == ["50", pytest.approx(100), 3, 2.0, 2.0, 3.0, pytest.approx(0.5**0.5)]


def test_the_plot_has_a_bar_for_each_travel_time_of_a_way() -> None:
    rows = [
        ["spaced slots", "guard 0 ms", travel, use]
        for travel, use in ((0, 99), (50, 98), (150, 97))
    ]

    drawn = plot(rows)

    assert list(drawn.groups) == ["spaced slots, guard 0 ms"]
    assert list(drawn.series.values()) == [[99], [98], [97]]
