"""What arrived when its slot was long over takes another; what arrived in time takes none."""

import socket
from contextlib import suppress

import pytest
from redis import Redis

from shared.errors import ProviderFault, StoreUnavailable
from shared.job_store import JobStore
from shared.moves import Pace
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import now_ms, until
from tests.fakes import FlakyStore
from tests.worker.bench import an_upkeep, started
from tests.worker.provider_server import Answer, agree, provider, resets, says
from worker.arrivals import Arrivals, overdue
from worker.departures import SlotMissed
from worker.stability import Stability
from worker.wire import result_request

PACE = Pace(1_000)


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> set[socket.socket]:
    """Give the connections whose requests are not acknowledged."""
    connections = set[socket.socket]()
    monkeypatch.setattr("worker.arrivals.overdue", lambda one: one in connections)
    return connections


def booked_by(arrivals: Arrivals, redis: "Redis") -> int:
    """Return how many slots are taken when late arrivals are booked now."""
    redis.delete(f"{PREFIX}pace:next")
    arrivals.book(JobStore(redis, PACE))
    reach = redis.get(f"{PREFIX}pace:next")
    return round((float(str(reach)) - now_ms(redis)) / PACE.interval_ms) if reach else 0


def a_connection() -> socket.socket:
    """Return one that leads nowhere."""
    return socket.socket()


def test_what_is_acknowledged_in_time_takes_no_other_slot(
    redis_client: "Redis", stuck: set[socket.socket]
) -> None:
    arrivals = Arrivals()
    with a_connection() as connection:
        arrivals.sent(connection)
        assert booked_by(arrivals, redis_client) == 0
        arrivals.ended(connection)

    assert booked_by(arrivals, redis_client) == 0


def test_what_was_sent_again_and_came_takes_one_and_no_more(
    redis_client: "Redis", stuck: set[socket.socket]
) -> None:
    arrivals = Arrivals()
    with a_connection() as connection:
        arrivals.sent(connection)
        stuck.add(connection)
        assert booked_by(arrivals, redis_client) == 0
        stuck.clear()

        assert booked_by(arrivals, redis_client) == 1
        arrivals.ended(connection)
    assert booked_by(arrivals, redis_client) == 0


def test_what_was_given_up_may_have_come_and_takes_one(
    redis_client: "Redis", stuck: set[socket.socket]
) -> None:
    arrivals = Arrivals()
    with a_connection() as connection:
        arrivals.sent(connection)
        stuck.add(connection)
        arrivals.book(JobStore(redis_client, PACE))
        arrivals.ended(connection)

    assert booked_by(arrivals, redis_client) == 1


def test_what_cannot_be_booked_while_the_store_is_away_is_booked_after_that(
    redis_client: "Redis",
) -> None:
    arrivals = Arrivals()
    store = FlakyStore(JobStore(redis_client, PACE), acts_first=False, book=1)
    arrivals.late()
    with pytest.raises(StoreUnavailable):
        arrivals.book(store)  # type: ignore[arg-type]

    assert booked_by(arrivals, redis_client) == 1


def test_a_connection_that_is_well_or_closed_is_not_overdue() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        connection = socket.create_connection(server.getsockname())
        connection.send(b"hello")
        assert not overdue(connection)
        connection.close()

    assert not overdue(connection)


class Noting(Arrivals):
    """Arrivals that remember what they were told of."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def sent(self, connection: socket.socket) -> None:
        """Note it."""
        assert connection.getpeername()
        self.told.append("sent")
        super().sent(connection)

    def ended(self, connection: socket.socket) -> None:
        """Note it."""
        self.told.append("ended")
        super().ended(connection)


@pytest.mark.parametrize("answer", [says(202, b"{}"), resets])
def test_the_provider_s_client_tells_of_what_it_sends_until_that_is_over(answer: Answer) -> None:
    arrivals = Noting()

    with provider(answer) as server, suppress(ProviderFault):
        Stability(server.url, 5, arrivals=arrivals).result(result_request("a", "k"), agree)

    assert arrivals.told == ["sent", "ended"]


def test_what_is_not_sent_is_not_told_of() -> None:
    def refuse() -> None:
        raise SlotMissed

    arrivals = Noting()

    with provider(says(202, b"{}")) as server, pytest.raises(SlotMissed):
        Stability(server.url, 5, arrivals=arrivals).result(result_request("a", "k"), refuse)

    assert arrivals.told == []


def test_a_worker_books_what_arrived_late(services: Services, redis_client: "Redis") -> None:
    arrivals = Arrivals()
    arrivals.late()

    with started(an_upkeep(services, arrivals=arrivals)):
        until(lambda: redis_client.exists(f"{PREFIX}pace:next"))
