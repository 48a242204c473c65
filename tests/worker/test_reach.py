"""A worker that alone does not reach the provider takes no jobs, until it does."""

import pytest
from redis import Redis

from shared.errors import ProviderAuth, ProviderFault, ProviderUnavailable
from shared.scripts import PREFIX
from shared.services import Services
from tests.worker.bench import Clock, Reached
from worker.reach import Reach

AWAY = ProviderUnavailable("away")


@pytest.fixture
def clock() -> Clock:
    """Give a clock that stands still."""
    return Clock()


@pytest.fixture
def reach(services: Services, clock: Clock) -> Reach:
    """Give what a worker knows of its own way."""
    return Reach(services, clock)


def lost(reach: Reach, *met: str) -> bool:
    """Tell whether a worker is cut off whose calls met that."""
    for code in met:
        reach.heard(code)
    for _ in range(2):
        reach.look(Reached(reach))
    return reach.lost


def test_five_connections_in_a_row_that_failed_are_enough_and_four_are_not(reach: Reach) -> None:
    assert not lost(reach, *["connect_error"] * 4)
    assert lost(reach, "connect_error")


@pytest.mark.parametrize("answer", ["200", "503", "timeout", "cut"])
def test_any_call_whose_connection_stood_in_between_says_that_it_is_reached(
    reach: Reach, answer: str
) -> None:
    assert not lost(reach, *["connect_error"] * 4, answer, "connect_error")


def test_when_others_do_not_reach_it_either_the_breaker_decides(
    services: Services, reach: Reach
) -> None:
    for number in range(5):
        services.breaker.note_failure(f"job {number}", "provider_unavailable")

    assert not lost(reach, *["connect_error"] * 5)


def test_the_breaker_may_hear_of_the_last_failure_a_moment_later(
    services: Services, reach: Reach
) -> None:
    for _ in range(5):
        reach.heard("connect_error")
    reach.look(Reached(reach))
    for number in range(5):
        services.breaker.note_failure(f"job {number}", "provider_unavailable")

    assert not lost(reach)


def test_it_asks_for_the_balance_every_five_seconds_in_a_slot_of_the_limit(
    redis_client: "Redis", reach: Reach, clock: Clock
) -> None:
    assert lost(reach, *["connect_error"] * 5)
    accountant = Reached(reach, AWAY, 50_000)

    for seconds, polls in ((4, 0), (5, 1), (9, 1), (10, 2)):
        clock.seconds = seconds
        reach.look(accountant)
        assert (len(accountant.polls), reach.lost) == (polls, polls < 2)
    assert redis_client.exists(f"{PREFIX}pace:next")
    assert not lost(reach, "connect_error")


@pytest.mark.parametrize("fault", [ProviderAuth("refused"), ProviderFault("odd")])
def test_a_refusal_is_an_answer(reach: Reach, clock: Clock, fault: ProviderFault) -> None:
    class Refusing(Reached):
        def balance(self, outgoing: object) -> int:
            reach.heard("401")
            raise fault

    assert lost(reach, *["connect_error"] * 5)
    clock.seconds = 5

    reach.look(Refusing(reach))

    assert not reach.lost
