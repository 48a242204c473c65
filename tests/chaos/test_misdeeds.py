"""A sandbox is told how to behave, however often it forgets it."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.chaos.house import MANNERS
from tests.chaos.misdeeds import Sandbox
from tests.sandbox.helpers import Process


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Give the address of a sandbox."""
    process = Process("--port", "0")
    try:
        yield process.url
    finally:
        process.end()


@pytest.fixture
def sandbox(address: str) -> Sandbox:
    """Give the orders for one that has just been started."""
    _control(address, "POST", "reset")
    return Sandbox(address)


def _control(address: str, method: str, path: str = "", order: object = None) -> Any:
    return requests.request(method, f"{address}/_sandbox/{path}", json=order, timeout=10).json()


def test_one_that_was_restarted_is_told_again(sandbox: Sandbox, address: str) -> None:
    sandbox.set({"down": True})
    _control(address, "POST", "reset")

    assert sandbox.tend()

    told = _control(address, "GET")["settings"]
    assert told["down"]
    assert told["latency"] == MANNERS["latency"]
    assert told["rate"] == MANNERS["rate"]


def test_what_is_taken_back_holds_no_longer(sandbox: Sandbox, address: str) -> None:
    orders: list[dict[str, Any]] = [{"credits": 0}, {"valid_keys": []}, {"fail_rate": 0.5}]
    for order in orders:
        sandbox.set(order)
    during = _control(address, "GET")
    for order in orders:
        sandbox.take_back(order)
    after = _control(address, "GET")

    assert (during["credits"], during["settings"]["valid_keys"]) == (0, [])
    assert during["settings"]["fail_rate"] == 0.5
    assert after["credits"] > 0
    assert (after["settings"]["valid_keys"], after["settings"]["fail_rate"]) == (None, 0)


def test_calm_forgets_every_order(sandbox: Sandbox, address: str) -> None:
    sandbox.set({"down": True, "credits": 0})
    assert sandbox.fault({"kind": "cut", "count": 5})

    assert sandbox.calm(5)

    status = _control(address, "GET")
    assert (status["faults"], status["settings"]["down"]) == ([], False)
    assert status["credits"] > 0


def test_calls_over_the_limit_are_counted_over_restarts(sandbox: Sandbox, address: str) -> None:
    headers = {"Authorization": "Bearer sk-test"}
    for _ in range(2):
        _control(address, "PUT", "settings", {"rate": "1/10s"})
        for _ in range(3):
            requests.get(f"{address}/v2beta/results/x", headers=headers, timeout=10)
        sandbox.tend()
        _control(address, "POST", "reset")
        sandbox.tend()

    assert [number for _, number in sandbox.over_limit] == [2, 2]


def test_an_order_that_it_does_not_understand_is_a_mistake_of_ours(sandbox: Sandbox) -> None:
    with pytest.raises(RuntimeError, match="kinds"):
        sandbox.fault({"kind": "nonsense"})
