"""A slot of the provider's limit is for now: a call that missed its slot is not sent on it.

Calls take their slots and then connect. Where the way to the provider is away for some seconds, they
stand there meanwhile; when it is back, all of them would go out at once, and over the limit.
"""

import threading
import time
from collections import deque
from collections.abc import Callable

from worker.arrivals import Arrivals
from worker.leases import Lease

# A handshake whose first packet was lost takes a second more: that is when it is sent again.
_SPARE_SECONDS = 0.9
# What the guard stands for; what is sent later than this takes a second slot.
_IN_TIME_SECONDS = 0.3
# More than ever stand in their connections at once: what is always slow is told from what stood there.
_REMEMBERED = 400


class SlotMissed(Exception):
    """The connection took much longer than it usually does, and the call was not sent."""


class Departures:
    """Know how long connecting takes here, on whatever way to the provider this worker has."""

    def __init__(
        self, arrivals: Arrivals | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._arrivals = arrivals or Arrivals()
        self._clock = clock
        self._took: deque[float] = deque(maxlen=_REMEMBERED)
        self._lock = threading.Lock()

    def check(self, lease: Lease) -> Callable[[], None]:
        """Return what is asked when a connection stands, for a slot that was taken just now.

        It raises LeaseLost or SlotMissed when the call may not be sent any more.
        """
        begun = self._clock()

        def may_be_sent() -> None:
            lease.ensure_alive()
            late = self._late(self._clock() - begun)
            if late > _SPARE_SECONDS:
                raise SlotMissed
            if late > _IN_TIME_SECONDS:
                self._arrivals.late()

        return may_be_sent

    def _late(self, took: float) -> float:
        with self._lock:
            usual = min(self._took, default=took)
            self._took.append(took)
        return took - usual
