"""Contract of the benchmarks' figures."""

import pytest

from benchmarks.figures import busiest, lost, quantile, table, use
from benchmarks.limit_use import Used, cases
from benchmarks.limit_use import plot as limit_plot
from benchmarks.limit_use import row as limit_row
from benchmarks.pacing import Errand, Waited, row
from benchmarks.pacing_ways import contenders
from benchmarks.provider import Counted, Gate
from shared.setting_types import Rate

EVEN = [number * 0.1 for number in range(150)]


def test_use_is_told_of_what_the_limit_allows_in_that_time() -> None:
    assert use([0.5, 1.0, 9.9, 10.0], 0, 10, Rate(6, 10)) == 50
    assert use(EVEN, 0, 15) == pytest.approx(100 * 150 / 225)


def test_the_fullest_window_is_found_wherever_it_begins() -> None:
    assert busiest([0, 1, 9, 10, 10.5, 11, 30], 10) == 4
    assert busiest([]) == 0


def test_slots_that_nobody_used_are_lost() -> None:
    assert lost([0, 1, 2, 5], 1) == 2
    assert lost(EVEN, 0.1) == pytest.approx(0)


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 3), (0.95, 4), (1, 4)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile([4, 1, 3, 2], share) == value


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [["x", 1.25], ["y", 2]]) == (
        "| a | b |\n| --- | --- |\n| x | 1.2 |\n| y | 2 |"
    )


def test_the_gate_takes_what_fits_into_any_window_and_counts_the_rest() -> None:
    gate = Gate(Rate(2, 10))

    pauses = [gate.arrive(moment) for moment in (0, 5, 9.9, 10, 14.9, 15)]

    assert pauses == [0, 0, pytest.approx(0.1), 0, pytest.approx(0.1), 0]
    assert (gate.accepted, gate.refused) == ([0, 5, 10, 15], 2)


def test_a_call_too_many_locks_everybody_out() -> None:
    gate = Gate(Rate(1, 10), lockout=60)

    pauses = [gate.arrive(moment) for moment in (0, 5, 15, 64.9, 65)]

    assert pauses == [0, 60, 50, pytest.approx(0.1), 0]
    assert (gate.accepted, gate.refused, gate.lockouts) == ([0, 65], 3, [5])


def test_a_run_is_told_from_what_the_provider_counted_and_the_callers_waited() -> None:
    errand = Errand(contenders()[0], "", 0, begin=0.0, end=50.0, alone=True)
    calls = [number / 15 for number in range(750)]

    told = row(errand, 0.05, Counted(calls, 3), [Waited([1.0, 3.0], 6), Waited([2.0, 2.0], 2)])

    assert told[2:] == ["50", pytest.approx(100), 3, 2.0, 2.0, 3.0, pytest.approx(0.5**0.5)]


def test_the_use_of_the_limit_is_told_of_the_time_after_the_first_jobs() -> None:
    calls = [number / 8 for number in range(480)]

    told = limit_row(Used(cases()[0][0], Counted(calls, 2), 5.0, 45.0))

    assert told[:3] == ["this service", 1, "one by one"]
    assert told[3:5] == [320, pytest.approx(100 * 8 / 15, abs=0.1)]
    assert told[6:] == [2, "0 of 40", 80]


def test_a_lock_out_counts_as_far_as_use_is_told() -> None:
    used = Used(cases()[0][0], Counted([], 9, lockouts=[-50.0, 30.0]), 5.0, 75.0)

    assert used.locked_out == 5 + 45


def test_the_plot_of_use_has_a_bar_where_a_way_was_measured() -> None:
    every = [case for group in cases() for case in group]
    drawn = limit_plot([Used(case, Counted([], 0), 0.0, 20.0) for case in every])

    assert list(drawn.groups) == [
        f"{workers}, {come}"
        for workers in ("1 worker", "2 workers", "4 workers")
        for come in ("one by one", "150 at once")
    ]
    assert drawn.series["Celery, no limit"] == [None, None, 0, 0, None, None]
