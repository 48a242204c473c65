"""What arrived when its slot was long over takes another; what arrived in time takes none."""

import socket

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.moves import Pace
from shared.scripts import PREFIX
from tests.builders import now_ms
from tests.fakes import FlakyStore
from worker.arrivals import Arrivals, overdue

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
