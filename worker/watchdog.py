"""Does this worker still get messages? One that lives and takes none any more is restarted.

Known ways into that: a connection to Redis that is half open, a consumer that does not come back after
an outage. The process looks well from outside: its heart beats, its leases are renewed.
"""

import logging
import time
from collections.abc import Callable

from shared.job_index import JobIndex
from worker.leases import Leases

_log = logging.getLogger(__name__)
LOOK_SECONDS = 5.0
# Three times what a message may lie before it is taken for lost and its job is sent once more.
DEAF_SECONDS = 30.0
_MOST_UNCLAIMED = 2


class Watchdog:
    """Call `heard` at every message and `look` every few seconds; it calls `restart` at most once.

    A worker is deaf when it has free slots and heard nothing for so long, while messages lay unclaimed
    in the queue again and again, up to now. With nothing to do, with the provider paused, or with other
    workers that take every message, nothing lies unclaimed.
    """

    def __init__(
        self, index: JobIndex, leases: Leases, slots: int, restart: Callable[[], None]
    ) -> None:
        self._index = index
        self._leases = leases
        self._slots = slots
        self._restart: Callable[[], None] | None = restart
        self._heard = True
        self._since = 0.0
        self._put_back = 0
        # in how many looks more messages had been put back than in the one before
        self._unclaimed = 0

    def heard(self) -> None:
        """Note that a message came; any thread may do so."""
        self._heard = True

    def look(self) -> None:
        """Restart this worker if it is deaf; may raise StoreUnavailable."""
        put_back = self._index.counts().get("messages_put_back", 0)
        if self._heard or len(self._leases.running()) >= self._slots:
            self._heard = False
            self._since, self._put_back, self._unclaimed = time.monotonic(), put_back, 0
            return
        if put_back == self._put_back:
            return
        self._put_back = put_back
        self._unclaimed += 1
        deaf = time.monotonic() - self._since >= DEAF_SECONDS and self._unclaimed >= _MOST_UNCLAIMED
        if deaf and self._restart:
            _log.error("this worker takes no more messages, and is restarted")
            self._restart()
            self._restart = None
