"""An outage is told when it begins, each minute, and when it has ended: not by each step."""

import logging

import pytest

from shared.errors import StoreUnavailable
from worker.steps import Outage, attempt


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outage(clock: Clock) -> Outage:
    return Outage(clock)


def away() -> None:
    """Fail as a step does that needs the job store."""
    raise StoreUnavailable("It is full")


def lived_through(outage: Outage, clock: Clock, seconds: int) -> None:
    """Have steps meet the outage four times a second, beside one that needs no store."""
    for _ in range(seconds * 4):
        assert not attempt(away, outage)
        assert attempt(lambda: None, outage)
        clock.now += 0.25


def test_an_outage_is_one_line_at_its_begin_and_one_a_minute(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    lived_through(outage, clock, 130)

    told = [(record.getMessage(), record.__dict__["seconds"]) for record in caplog.records]
    assert told == [("upkeep waits for the job store", seconds) for seconds in (0, 60, 120)]
    assert caplog.records[0].__dict__["reason"] == "It is full"


def test_its_end_is_told_once_when_nothing_has_failed_for_a_while(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    lived_through(outage, clock, 30)
    caplog.clear()

    for _ in range(50):
        attempt(lambda: None, outage)
        clock.now += 0.5

    (end,) = caplog.records
    assert (end.getMessage(), end.levelno) == (
        "upkeep goes on, the job store is back",
        logging.WARNING,
    )
    assert end.__dict__["seconds"] == 30


def test_the_next_outage_is_told_at_once(
    outage: Outage, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    lived_through(outage, clock, 1)
    clock.now += 10
    attempt(lambda: None, outage)
    caplog.clear()

    attempt(away, outage)

    assert [record.__dict__["seconds"] for record in caplog.records] == [0]
