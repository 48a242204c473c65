"""What the benchmark of the limit's use tells of what arrived."""

import pytest

from benchmarks.figures import LIMIT
from benchmarks.limit_use import DIVIDED, UNLIMITED, Used, cases, divided_rate, in_short, plot, row
from benchmarks.provider import LOCKOUT_SECONDS, Counted
from shared.moves import Pace
from shared.settings import load_settings

INTERVAL = Pace.of(LIMIT, load_settings(None).provider_rate_guard_ms).interval_ms / 1000


def test_the_divided_way_may_take_as_much_as_this_service() -> None:
    for workers in (1, 2, 4):
        rate, _, unit = divided_rate(workers).partition("/")
        assert workers * float(rate) == pytest.approx(60 / INTERVAL, abs=0.02)
        assert unit == "m"


def test_ways_are_measured_alike_but_for_a_lock_out_that_must_be_inside() -> None:
    every = cases()

    assert {len(group) for group in every} == {2}
    assert all(len({case.way for case in group}) == 1 for group in every)
    ours, *_ = (case.seconds for group in every for case in group)
    seconds = {case.way: case.seconds for group in every for case in group}
    assert seconds[DIVIDED] == ours
    assert seconds[UNLIMITED] > LOCKOUT_SECONDS


def test_the_use_of_the_limit_is_told_of_the_time_after_the_first_jobs() -> None:
    calls = [number / 8 for number in range(480)]

    told = row(Used(cases()[0][0], Counted(calls, 2), 5.0, 45.0))

    assert told[:3] == ["this service", 1, "one by one"]
    assert told[3:5] == [320, pytest.approx(100 * 8 / 15, abs=0.1)]
    assert told[6:] == [2, "0 of 40", 80]


def test_a_lock_out_counts_as_far_as_use_is_told() -> None:
    used = Used(cases()[0][0], Counted([], 9, lockouts=[-50.0, 30.0]), 5.0, 75.0)

    assert used.locked_out == 5 + 45


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        (Counted([0.0, 10.0, 20.0], 0), f"{20 / INTERVAL - 2:.1f}"),
        (Counted([0.0, 10.0, 20.0], 1, lockouts=[0.5]), ""),
        (Counted([0.0], 0), ""),
        (Counted([], 0), ""),
    ],
)
def test_slots_are_lost_only_between_calls_and_with_no_lock_out(
    counted: Counted, told: str
) -> None:
    assert row(Used(cases()[0][0], counted, 0.0, 40.0))[5] == told


def test_the_plot_of_use_has_a_bar_where_a_way_was_measured() -> None:
    every = [case for group in cases() for case in group]
    drawn = plot([Used(case, Counted([], 0), 0.0, 20.0) for case in every])

    assert list(drawn.groups) == [
        f"{workers}, {come}"
        for workers in ("1 worker", "2 workers", "4 workers")
        for come in ("one by one", "150 at once")
    ]
    assert drawn.series["Celery, no limit"] == [None, None, 0, 0, None, None]


def test_each_way_is_told_in_short_with_its_refusals() -> None:
    ours, *_, bare = (case for group in cases() for case in group)
    calls = [number / 10 for number in range(200)]
    found = [
        Used(ours, Counted(calls, 0), 0.0, 20.0),
        Used(bare, Counted(calls[:150], 7), 0.0, 20.0),
    ]

    assert in_short(found) == (
        "this service 66.7 to 66.7 % with 0 times 429; Celery, no limit 50.0 to 50.0 % with 7 times 429"
    )
