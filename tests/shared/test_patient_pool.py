"""More callers than connections: they queue while Redis answers, and no longer."""

import threading
import time
from typing import Any

import pytest
from redis.exceptions import ConnectionError as NoConnection

from shared.patient_pool import PatientPool
from tests.builders import at_once

PATIENCE = 0.2
_HELD_SECONDS = 0.03


def pool(url: str) -> Any:
    """Return a pool of one connection."""
    return PatientPool.from_url(url, max_connections=1, timeout=PATIENCE)


def test_who_queues_behind_others_who_are_answered_is_not_turned_away(redis_url: str) -> None:
    connections = pool(redis_url)

    def hold(_: int) -> None:
        connection = connections.get_connection()
        threading.Event().wait(_HELD_SECONDS)
        connections.release(connection)

    begun = time.monotonic()
    at_once(hold, range(20), threads=20)

    assert time.monotonic() - begun > 2 * PATIENCE  # else nobody had to be patient
    connections.disconnect()


def test_who_queues_while_nobody_is_answered_learns_it_in_time(redis_url: str) -> None:
    connections = pool(redis_url)
    held = connections.get_connection()
    begun = time.monotonic()

    with pytest.raises(NoConnection):
        connections.get_connection()

    assert PATIENCE <= time.monotonic() - begun < 5
    connections.release(held)
    connections.disconnect()


def test_a_connection_that_comes_back_broken_is_no_answer(redis_url: str) -> None:
    connections = pool(redis_url)
    connection = connections.get_connection()
    connection.disconnect()
    connections.release(connection)

    assert connections.pool.answered == 0
    connections.disconnect()
