"""What missed its slot because the way to the provider was away is not sent on it."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.jobs import Job
from shared.services import Services
from tests.builders import accepted
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, after_a_run
from tests.worker.kitchen import creative
from worker.departures import Departures, SlotMissed
from worker.leases import Lease, LeaseLost, lease_clock
from worker.wire import Outgoing


class Clock:
    """A clock that stands still unless a test moves it."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def departures(clock: Clock) -> Departures:
    """Give departures by that clock."""
    return Departures(clock)


def sent(departures: Departures, clock: Clock, took: float) -> bool:
    """Tell whether a call is sent whose connection took so many seconds."""
    check = departures.check(Lease("c", lease_clock()))
    clock.seconds += took
    try:
        check()
    except SlotMissed:
        return False
    return True


def test_what_connects_as_quickly_as_usual_is_sent(departures: Departures, clock: Clock) -> None:
    assert [sent(departures, clock, took) for took in (0.1, 0.3, 0.9)] == [True] * 3


def test_what_stood_before_a_way_that_was_away_is_not(departures: Departures, clock: Clock) -> None:
    assert sent(departures, clock, 0.1)

    assert [sent(departures, clock, took) for took in (1.1, 3.0, 5.0)] == [False] * 3
    assert sent(departures, clock, 0.1)


def test_a_way_that_is_slow_from_the_first_call_on_is_taken(
    departures: Departures, clock: Clock
) -> None:
    assert [sent(departures, clock, took) for took in (3.0, 3.5, 2.8)] == [True] * 3


def test_a_way_that_became_slow_is_taken_in_the_end(departures: Departures, clock: Clock) -> None:
    assert sent(departures, clock, 0.1)

    went = [sent(departures, clock, 3.0) for _ in range(1_000)]

    assert (went[0], went[-1]) == (False, True)


def test_a_lease_that_is_over_comes_first(departures: Departures) -> None:
    with pytest.raises(LeaseLost):
        departures.check(Lease("c", 0))()


@pytest.mark.parametrize("order", [lambda services: accepted(services.store), creative])
def test_a_job_whose_call_missed_its_slot_is_back_in_its_place_and_nothing_is_counted(
    services: Services,
    departures: Departures,
    clock: Clock,
    order: Callable[[Services], Job],
) -> None:
    class Away(ScriptedProvider):
        """A provider to which connecting takes four seconds."""

        def call(self, outgoing: Outgoing, check: Callable[[], None]) -> Any:
            clock.seconds += 4
            return super().call(outgoing, check)

        start = call

    assert sent(departures, clock, 0.1)
    provider = Away(IMAGE)

    job = after_a_run(services, order(services), provider, departures=departures)

    assert provider.calls == []
    assert (job.status, job.attempts, job.unknown) == ("queued", 0, 0)
