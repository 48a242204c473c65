"""The sandbox's part in it: faults, settings that hold for a while, and what it counted."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import requests

from tests.chaos.house import MANNERS

_SECONDS = 1.0
_PLENTY = 1_000_000
_ENOUGH = 10_000


class Sandbox:
    """Give orders to a provider that may be dead or frozen: none is certain to arrive.

    One that was killed has forgotten how to behave; `tend`, called every other second, tells it again.
    """

    def __init__(self, address: str, manners: Mapping[str, Any] = MANNERS) -> None:
        self._control = f"{address}/_sandbox"
        self._manners = manners
        self._wanted = dict(manners)
        self._broke = False
        self._over_limit = 0
        # when the provider counted calls over its limit (seconds since the epoch), and how many
        self.over_limit: list[tuple[float, int]] = []

    def fault(self, order: Mapping[str, Any]) -> bool:
        """Add a fault; False when it did not arrive."""
        return self._send("POST", "faults", order) is not None

    def set(self, order: Mapping[str, Any]) -> bool:
        """Let a setting hold from now on, also over a restart; False when it is not told yet."""
        changes = dict(order)
        self._broke = changes.pop("credits", None) == 0 or self._broke
        self._wanted |= changes
        return self.tend()

    def take_back(self, order: Mapping[str, Any]) -> bool:
        """Let the usual hold again."""
        if "credits" in order:
            self._broke = False
        self._wanted |= {name: self._manners[name] for name in order if name in self._manners}
        return self.tend()

    def tend(self) -> bool:
        """See that it behaves as wanted, and what it has counted; False when it can't be reached."""
        status = self._send("GET", "")
        if status is None:
            return False
        self._count(status["stats"]["over_limit"])
        changes = {
            name: value
            for name, value in self._wanted.items()
            if not _same(value, status["settings"][name])
        }
        if self._broke != (status["credits"] < _ENOUGH):
            changes["credits"] = 0 if self._broke else _PLENTY
        return not changes or self._send("PUT", "settings", changes) is not None

    def calm(self, seconds: float) -> bool:
        """Forget all that was ordered; False when it could not be told within so many seconds."""
        self._broke, self._wanted = False, dict(self._manners)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self._send("DELETE", "faults") is not None and self.tend():
                return True
            time.sleep(0.5)
        return False

    def _count(self, over_limit: int) -> None:
        if over_limit < self._over_limit:  # another process, which counts from the beginning
            self._over_limit = 0
        if more := over_limit - self._over_limit:
            self.over_limit.append((time.time(), more))
        self._over_limit = over_limit

    def _send(self, method: str, path: str, order: Any = None) -> Any:
        with suppress(requests.RequestException, ValueError):
            answer = requests.request(
                method, f"{self._control}/{path}", json=order, timeout=_SECONDS
            )
            if answer.status_code == 200:
                return answer.json()
            # an order that is refused is a mistake of this program
            raise RuntimeError(f"{method} {path} {order}: {answer.text}")
        return None


def _same(wanted: Any, told: Any) -> bool:
    if isinstance(wanted, dict):
        return all(told[name] == value for name, value in wanted.items())
    return bool(wanted == (list(told) if isinstance(told, tuple) else told))
