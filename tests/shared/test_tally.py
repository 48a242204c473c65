"""What one process counts reaches the store once, however often it is told."""

from typing import Any

import pytest
from redis import Redis

from shared.census import Registrar
from shared.errors import StoreUnavailable
from shared.moves import Pace
from shared.tally import Tally
from tests.builders import at_once


class Faint(Tally):
    """A tally whose store is away for the next answers, before or after it acts."""

    def __init__(self, redis: "Redis", *, acts: bool) -> None:
        super().__init__(redis)
        self.failures, real = 0, self._run

        def run(name: str, *args: Any) -> Any:
            if self.failures:
                self.failures -= 1
                if acts:
                    real(name, *args)
                raise StoreUnavailable("away")
            return real(name, *args)

        self._run = run


def told(redis: "Redis") -> dict[tuple[str, ...], int]:
    """Return what the store has counted."""
    return dict(Registrar(redis, Pace(1)).take().tallies.numbers)


@pytest.mark.parametrize("acts", [True, False])
def test_a_report_whose_answer_is_lost_counts_once(redis_client: "Redis", acts: bool) -> None:
    tally = Faint(redis_client, acts=acts)
    tally.add("a", "x")
    tally.failures = 2
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            tally.hand_in()
    tally.add("a", "x")

    for _ in range(3):
        tally.hand_in()

    assert told(redis_client) == {("a", "x"): 2}


def test_the_last_report_has_what_an_earlier_one_could_not_tell_and_what_is_new(
    redis_client: "Redis",
) -> None:
    tally = Faint(redis_client, acts=False)
    tally.add("a", "x")
    tally.failures = 1
    with pytest.raises(StoreUnavailable):
        tally.hand_in()
    tally.add("b", "x")

    tally.hand_in(last=True)

    assert told(redis_client) == {("a", "x"): 1, ("b", "x"): 1}


def test_what_many_threads_count_and_report_is_all_there(redis_client: "Redis") -> None:
    tallies = [Tally(redis_client) for _ in range(2)]

    def count(number: int) -> None:
        for _ in range(50):
            tallies[number % 2].add("a", "x")
            tallies[number % 2].hand_in()

    at_once(count, range(8), 8)

    assert told(redis_client) == {("a", "x"): 400}


def test_a_process_that_has_nothing_to_tell_asks_for_nothing() -> None:
    Tally(Redis(port=1)).hand_in()
