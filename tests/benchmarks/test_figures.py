"""Contract of the benchmarks' figures."""

import pytest

from benchmarks.figures import busiest, lost, quantile, table, use
from benchmarks.limit_use import phases
from benchmarks.pacing import Errand, Waited, row
from benchmarks.provider import Counted, Gate
from benchmarks.ways import contenders
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

    taken = [gate.arrive(moment) for moment in (0, 5, 9.9, 10, 14.9, 15)]

    assert taken == [True, True, False, True, False, True]
    assert (gate.accepted, gate.refused) == ([0, 5, 10, 15], 2)


def test_a_run_is_told_from_what_the_provider_counted_and_the_callers_waited() -> None:
    errand = Errand(contenders()[0], "", 0, begin=0.0, end=50.0, alone=True)
    calls = [number / 15 for number in range(750)]

    told = row(errand, 0.05, Counted(calls, 3), [Waited([1.0, 3.0], 6), Waited([2.0, 2.0], 2)])

    assert told[2:] == ["50", pytest.approx(100), 3, 2.0, 2.0, 3.0, pytest.approx(0.5**0.5)]


def test_the_phases_of_a_run_tell_where_slots_were_lost() -> None:
    calls = [number / 15 for number in range(150)] + [15 + number / 15 for number in range(150)]

    rows = phases(calls, [(number, 300.0) for number in range(10)] + [(12.0, -50.0)])

    assert [line[0] for line in rows] == ["0 to 10 s", "10 to 25 s", "0 to 25 s"]
    assert [line[5] for line in rows] == [0, 100, pytest.approx(100 / 11)]
    assert rows[0][2] == pytest.approx(100)
    assert rows[2][1] == 300
