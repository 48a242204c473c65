"""Does this worker itself reach the provider? One that alone does not leaves the jobs to others."""

import logging
import threading
import time
from collections.abc import Callable

from shared.errors import ProviderFault
from shared.services import Services
from worker.answers import CONNECT_ERROR
from worker.probing import Accountant, ask_balance

_log = logging.getLogger(__name__)
# As many as open the breaker: when all workers meet them, it is open by then.
_FAILURES = 5
_PROBE_SECONDS = 5.0


class Reach:
    """`heard` is told of each exchange with the provider, by any thread; `look` comes every second."""

    def __init__(self, services: Services, clock: Callable[[], float] = time.monotonic) -> None:
        self._services = services
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._suspected = False
        self._probed = 0.0
        self.lost = False

    def heard(self, code: str) -> None:
        """Take note of what a call met: a status, or why there is none."""
        with self._lock:
            self._failures = self._failures + 1 if code == CONNECT_ERROR else 0

    def look(self, accountant: Accountant) -> None:
        """Learn whether this worker alone is cut off, and still is; may raise StoreUnavailable."""
        if self.lost:
            if self._clock() - self._probed >= _PROBE_SECONDS:
                self._probed = self._clock()
                self._probe(accountant)
            return
        # Others reach it: else their failures and ours in a row had opened the breaker. Looked at
        # twice, for the last of ours may not be counted there yet.
        alone = self._failures >= _FAILURES and self._services.breaker.state().state == "closed"
        if alone and self._suspected:
            self.lost, self._probed = True, self._clock()
            _log.warning("this worker alone does not reach the provider, and takes no jobs")
        self._suspected = alone

    def _probe(self, accountant: Accountant) -> None:
        try:
            ask_balance(self._services, accountant)
        except ProviderFault:
            if self._failures:
                return  # any answer says that the way is there
        self.lost, self._failures = False, 0
        _log.warning("this worker reaches the provider again, and takes jobs")
