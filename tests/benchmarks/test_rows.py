"""What the smaller benchmarks tell of what they have measured."""

from benchmarks.growth import Grown, Times
from benchmarks.growth import in_short as most_grown
from benchmarks.in_flight import Flight
from benchmarks.in_flight import row as flight_row
from benchmarks.provider import Counted
from benchmarks.queue_wait import Waits
from benchmarks.queue_wait import row as wait_row
from benchmarks.start import Start
from benchmarks.start import in_short as soonest
from benchmarks.start import rows as start_rows


def test_calls_that_were_made_again_are_told_as_charged_twice() -> None:
    counted = Counted([0.0] * 13, 0, most=9, cut=2)
    flight = Flight(10, 2, 80_000_000, 81_000_000, 1.5, 0.02, 0.1, 0.05, [5, 20], counted, 4)

    told = flight_row(flight)

    assert told[:5] == [10, 2, 9, 1.5, 40]
    assert told[5:9] == [100, 2, 10, 5]
    assert told[9:11] == ["20", "1, 2, 4"]


def test_a_wait_is_told_in_ms_to_the_call_and_to_the_picture() -> None:
    waits = Waits("empty", [0.1, 0.2, 0.3], [3.1, 3.2, 3.4], 12.5, 7)

    assert wait_row(waits) == ["empty", "200", "300", "300", "3200", "3400", "3400", 12.5, 7]


def test_the_operation_that_has_grown_most_is_named() -> None:
    small = {"submit": Times([1.0, 1.0, 9.0]), "sweep": Times([2.0])}
    large = {"submit": Times([1.5, 1.5, 1.5]), "sweep": Times([2.2])}

    told = most_grown(Grown(10_000, 0, 0, small, large))

    assert told == "With 10,000 jobs no operation takes longer than 1.50 times (submit)"


def test_a_start_is_told_whole_and_by_its_parts() -> None:
    parts = ("sandbox", "api", "flower", "worker", "ready", "first picture")
    cold = Start("cold", {"venv": 4.0, "pip install": 16.0}, dict.fromkeys(parts, 8.0), 3.0, 0.5)
    warm = [Start("warm", {}, dict.fromkeys(parts, seconds), 3.0, 0.5) for seconds in (4.0, 6.0)]

    told = start_rows([cold, *warm])

    assert told[0][:4] == ["cold", 4.0, 16.0, "8.0"]
    assert told[1][:4] == ["warm", "", "", "5.0 (4.0 to 6.0)"]
    assert soonest([cold, *warm]) == (
        "warm: ready after 5.0 (4.0 to 6.0) s; cold: a picture after 28 s"
    )
