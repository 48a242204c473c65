"""Does this worker still get messages? One that lives and takes none any more is restarted.

Known ways into that: a connection to Redis that is half open, a consumer that does not come back after
an outage. The process looks well from outside: its heart beats, its leases are renewed.
"""

import logging
import time
from collections.abc import Callable

from shared.errors import StoreUnavailable
from shared.job_index import JobIndex
from worker.leases import Leases

_log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
# Three times what a message may lie before it is taken for lost and its job is sent once more. No less
# than Celery sleeps between two tries to reach Redis (30 s), for a worker that does so is well.
DEAF_SECONDS = 30.0
# And so long a consumer may not be found well while Redis answers: Celery sleeps, connects, and settles.
UNWELL_SECONDS = 60.0


class Watchdog:
    """Call `heard` at every message and `look` every few seconds; it calls `restart` at most once.

    Call `well` whenever the consumer is seen to ask for messages. One that is not for a minute, in which
    Redis answers, is restarted whatever others do.

    A worker is deaf when it has free slots and heard nothing while messages lay unclaimed in the queue,
    again and again for so long, counted from the first that was put back. With nothing to do, with the
    provider paused, or with other workers that take every message, nothing lies unclaimed.
    """

    def __init__(
        self, index: JobIndex, leases: Leases, slots: int, restart: Callable[[], None]
    ) -> None:
        self._index = index
        self._leases = leases
        self._slots = slots
        self._restart: Callable[[], None] | None = restart
        self._heard = True
        self._put_back = 0
        # when messages were put back first and last, in a row without one that was heard
        self._first: float | None = None
        self._last = 0.0
        # since when Redis answers and the consumer is not known to be well; None: Redis is away
        self._unwell: float | None = None

    def well(self) -> None:
        """Note that the consumer asks for messages; any thread may do so."""
        self._unwell = time.monotonic()

    def heard(self) -> None:
        """Note that a message came; any thread may do so."""
        self._heard = True

    def look(self) -> None:
        """Restart this worker if it is deaf; may raise StoreUnavailable."""
        try:
            put_back = self._index.counts().get("messages_put_back", 0)
        except StoreUnavailable:
            self._unwell = None
            raise
        self._look_at_consumer()
        # fewer than before: the store has lost some of what it knew
        more, self._put_back = put_back > self._put_back, put_back
        if self._heard or len(self._leases.running()) >= self._slots:
            self._heard, self._first = False, None
        elif more:
            self._unclaimed()

    def _unclaimed(self) -> None:
        now = time.monotonic()
        if self._first is None or now - self._last >= DEAF_SECONDS:
            self._first = now
        self._last = now
        if now - self._first >= DEAF_SECONDS:
            self._end()

    def _look_at_consumer(self) -> None:
        now = time.monotonic()
        if self._unwell is None:
            self._unwell = now
        elif now - self._unwell >= UNWELL_SECONDS:
            self._end()

    def _end(self) -> None:
        restart, self._restart = self._restart, None
        if restart:
            _log.error("this worker takes no more messages, and is restarted")
            restart()
