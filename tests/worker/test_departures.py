"""What missed its slot because the way to the provider was away is not sent on it."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from shared.jobs import Job
from shared.services import Services
from tests.builders import accepted, places
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, Clock, after_a_run
from tests.worker.kitchen import cooking, creative
from tests.worker.test_arrivals import booked_by
from worker.arrivals import Arrivals
from worker.departures import Departures, SlotMissed
from worker.leases import Lease, LeaseLost, lease_clock
from worker.wire import Outgoing


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def departures(clock: Clock) -> Departures:
    """Give departures by that clock."""
    return Departures(clock=clock)


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


class Away(ScriptedProvider):
    """A provider to which connecting takes four seconds."""

    def __init__(self, clock: Clock, *answers: Any) -> None:
        super().__init__(*answers)
        self._clock = clock

    def call(self, outgoing: Outgoing, check: Callable[[], None]) -> Any:
        """Give the next answer."""
        self._clock.seconds += 4
        return super().call(outgoing, check)

    start = call

    def result(self, outgoing: Outgoing, check: Callable[[], None]) -> Any:
        """Give the next answer."""
        self._clock.seconds += 4
        return super().result(outgoing, check)


@pytest.mark.parametrize("order", [lambda services: accepted(services.store), creative])
def test_a_job_whose_call_missed_its_slot_is_back_in_its_place_and_nothing_is_counted(
    services: Services,
    departures: Departures,
    clock: Clock,
    order: Callable[[Services], Job],
) -> None:
    assert sent(departures, clock, 0.1)
    provider = Away(clock, IMAGE)

    job = after_a_run(services, order(services), provider, departures=departures)

    assert provider.calls == []
    assert (job.status, job.attempts, job.unknown) == ("queued", 0, 0)


def test_asking_for_what_cooks_is_held_to_its_slot_as_well_and_goes_on_later(
    services: Services, redis_client: "Redis", departures: Departures, clock: Clock
) -> None:
    job, provider = cooking(services, redis_client), Away(clock)
    assert sent(departures, clock, 0.1)

    after = after_a_run(services, job, provider, departures=departures)

    assert provider.polls == []
    assert places(redis_client, job.id) == ["parked"]
    assert (after.status, after.attempts) == ("running", 1)


def test_what_is_sent_later_than_the_guard_stands_for_takes_a_second_slot(
    redis_client: "Redis", clock: Clock
) -> None:
    arrivals = Arrivals()
    departures = Departures(arrivals, clock)

    assert [sent(departures, clock, took) for took in (0.1, 0.3, 0.6)] == [True] * 3

    assert booked_by(arrivals, redis_client) == 1
