"""A real consumer of Celery's is kept as the worker wants it, whatever became of its connection."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from celery import Celery, signals
from celery.contrib.testing.worker import start_worker
from redis import Redis

from shared.queue import QUEUE, make_celery
from shared.settings import Settings
from tests.builders import until
from worker.listening import Taken, tend

_SECONDS = 5
# by what Kombu notes a message as under way, and takes that back
NOTING = ("hset", "zadd", "hdel", "zrem")


@pytest.fixture
def app(settings: Settings) -> Celery:
    """Give the queue's app with a task that does nothing, and one that goes on until it is told."""
    app = make_celery(settings)

    @app.task(name="nothing", shared=False, Request=Taken)
    def nothing() -> None:
        pass

    @app.task(name="going on", shared=False, Request=Taken)
    def going_on() -> None:
        began.set()
        assert enough.wait(_SECONDS)

    return app


began, enough = threading.Event(), threading.Event()


@pytest.fixture
def consumer(app: Celery, caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    """Give the consumer of a real worker that runs."""
    caplog.set_level(
        logging.WARNING
    )  # a worker sets the level of all logs: put back after the test
    with start_worker(app, pool="threads", concurrency=1, perform_ping_check=False) as worker:
        yield worker.consumer  # type: ignore[attr-defined]


def takes(app: Celery, seconds: float = _SECONDS) -> bool:
    """Tell whether a message is taken that is sent now."""
    taken = threading.Event()
    signals.task_prerun.connect(note := lambda **_: taken.set())
    try:
        app.send_task("nothing")
        return taken.wait(seconds)
    finally:
        signals.task_prerun.disconnect(note)


def is_well(consumer: Any, *, listens: bool = True) -> bool:
    """Tend the consumer; tell whether it was found well."""
    well = threading.Event()
    tend(consumer, listens, well.set)
    return well.wait(0.5)


def test_a_queue_that_was_canceled_around_a_broken_connection_is_consumed_again(
    app: Celery, consumer: Any
) -> None:
    def break_off() -> None:
        consumer.cancel_task_queue(QUEUE)
        raise ConnectionError("broken off")

    assert takes(app)
    broken = consumer.connection
    consumer.call_soon(break_off)
    until(lambda: consumer.connection not in {None, broken}, 10)
    assert not takes(app, 1)

    until(lambda: is_well(consumer), 10)

    assert takes(app)


def test_it_takes_none_when_it_is_not_meant_to_and_only_what_asks_redis_is_well(
    app: Celery, consumer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    until(lambda: is_well(consumer, listens=False))
    assert not takes(app, 1)

    until(lambda: is_well(consumer))
    assert takes(app)

    monkeypatch.setattr("worker.listening._ASKS_SECONDS", -1)
    until(lambda: not is_well(consumer))  # once its slot is free: a full one is well


def test_one_that_connects_is_left_alone_and_not_well() -> None:
    class Connecting:
        connection = task_consumer = None

        def call_soon(self, what: Callable[..., None], *args: Any) -> None:
            what(*args)

    assert not is_well(Connecting())


def test_a_worker_without_a_free_slot_is_well_and_leaves_a_message_to_others_until_it_has_one(
    app: Celery, consumer: Any, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    began.clear()
    enough.clear()
    app.send_task("going on")
    assert began.wait(_SECONDS)

    app.send_task("nothing")

    assert takes_none(redis_client)
    assert not redis_client.keys("celery:unacked*")
    monkeypatch.setattr("worker.listening._ASKS_SECONDS", -1)
    until(lambda: is_well(consumer))  # else it would be stopped, and its paid calls with it

    ended = time.monotonic()
    enough.set()
    until(lambda: not redis_client.exists(f"celery:{QUEUE}"))
    # Celery's event of the end wakes its loop, which else looks once a second
    assert time.monotonic() - ended < 0.5


def test_a_message_costs_redis_no_note_that_it_is_under_way_nor_the_removal_of_one(
    app: Celery, consumer: Any, redis_client: "Redis"
) -> None:
    def notes() -> dict[str, int]:
        # this server has no users but this test and this worker
        told: Any = redis_client.info("commandstats")
        return {name: told.get(f"cmdstat_{name}", {}).get("calls", 0) for name in NOTING}

    until(lambda: is_well(consumer))
    before = notes()

    assert takes(app)
    assert takes(app)
    until(lambda: is_well(consumer))  # in the loop in which Celery acknowledges

    assert notes() == before


def takes_none(redis: "Redis") -> bool:
    """Tell whether what is in the queue stays there for a second, in which Kombu asks once."""
    ends = time.monotonic() + 1.2
    while time.monotonic() < ends:
        if not redis.exists(f"celery:{QUEUE}"):
            return False
        time.sleep(0.05)
    return True
