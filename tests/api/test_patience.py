"""A connection kept for a next request is given up in time, and at once when the service stops."""

from types import SimpleNamespace

import gevent
import pytest

from api.unreadable import Worker


@pytest.fixture
def worker() -> Worker:
    """Give a worker that has no sockets, and as much patience as a test could never wait for."""
    worker = Worker.__new__(Worker)
    worker.idle = {}
    worker.cfg = SimpleNamespace(keepalive=60)
    return worker


def waiter(worker: Worker, ended: list[str]) -> gevent.Greenlet:
    """Return what waits for a request that never comes."""

    def wait() -> None:
        with worker.timeout_ctx():
            gevent.sleep(60)
        ended.append("without a request")

    greenlet = gevent.spawn(wait)
    gevent.sleep(0)
    return greenlet


def test_a_stop_does_not_wait_for_who_asks_nothing(worker: Worker) -> None:
    ended: list[str] = []
    waiters = [waiter(worker, ended) for _ in range(3)]

    worker.hang_up()
    gevent.joinall(waiters, timeout=5)

    assert ended == ["without a request"] * 3
    assert all(each.successful() for each in waiters)


def test_who_asks_nothing_for_too_long_is_given_up(worker: Worker) -> None:
    worker.cfg.keepalive = 0.01
    ended: list[str] = []

    waiter(worker, ended).join(timeout=5)

    assert ended == ["without a request"]


def test_who_is_being_answered_is_let_be(worker: Worker) -> None:
    def answer() -> str:
        with worker.timeout_ctx():
            pass
        gevent.sleep(0.01)
        return "answered"

    answering = gevent.spawn(answer)
    gevent.sleep(0)
    worker.hang_up()

    assert answering.get(timeout=5) == "answered"
