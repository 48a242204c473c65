"""Contract of the benchmarks' figures."""

import math

import pytest

from benchmarks.figures import busiest, lost, quantile, table, use
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


@pytest.mark.parametrize(("share", "value"), [(0, 1), (0.5, 2), (0.95, 4), (1, 4)])
def test_a_quantile_is_one_of_the_values(share: float, value: float) -> None:
    assert quantile([4, 1, 3, 2], share) == value


@pytest.mark.parametrize(("share", "count"), [(0.99, 100), (0.95, 20), (0.95, 100), (0.99, 300)])
def test_a_high_quantile_of_enough_values_is_not_their_greatest(share: float, count: int) -> None:
    assert quantile(range(1, count + 1), share) == round(share * count)


def test_a_quantile_of_nothing_is_no_number() -> None:
    assert math.isnan(quantile([], 0.5))


def test_a_table_is_markdown() -> None:
    assert table(("a", "b"), [["x", 1.25], ["y", 2]]) == (
        "| a | b |\n| --- | --- |\n| x | 1.2 |\n| y | 2 |"
    )
