"""Steps that are done again and again; one that fails keeps no other from its turn."""

import logging
import threading
import time
from collections.abc import Callable

from shared.errors import StoreUnavailable
from shared.image_store import StorageAway

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
_TOLD_AGAIN_SECONDS = 60.0
# What fails is tried at each tick: when nothing has failed for so long, the job store is back.
_QUIET_SECONDS = 10.0
# Seconds from one time to the next, and what is done.
Step = tuple[float, Callable[[], object]]


class Outage:
    """Tells of a job store that is away or full: when that begins, each minute, when it has ended.

    One for all the steps of a process, which meet it several times a second.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._begun: float | None = None
        self._met = self._told = 0.0

    def met(self, reason: str) -> None:
        """Note that a step has failed for it."""
        now = self._clock()
        with self._lock:
            begins = self._begun is None
            self._begun, self._met = now if self._begun is None else self._begun, now
            if not begins and now - self._told < _TOLD_AGAIN_SECONDS:
                return
            self._told = now
            seconds = round(now - self._begun)
        _log.warning("upkeep waits for the job store", extra={"reason": reason, "seconds": seconds})

    def past(self) -> None:
        """Note that a step was done."""
        with self._lock:
            if self._begun is None or self._clock() - self._met < _QUIET_SECONDS:
                return
            seconds, self._begun = round(self._met - self._begun), None
        _log.warning("upkeep goes on, the job store is back", extra={"seconds": seconds})


_outage = Outage()


def repeat(steps: list[Step], stopped: threading.Event) -> None:
    """Do each step in its rhythm until told to stop."""
    tick, failed = 0, set[int]()
    while not stopped.is_set():
        for number, (every, step) in enumerate(steps):
            # what failed is tried at each tick: a lease must not wait its turn after an outage
            if tick % round(every / TICK_SECONDS) == 0 or number in failed:
                failed.discard(number)
                if not attempt(step):
                    failed.add(number)
        tick += 1
        stopped.wait(TICK_SECONDS)


def attempt(step: Callable[[], object], outage: Outage = _outage) -> bool:
    """Do a step; return False when the job store is away."""
    try:
        step()
    except StoreUnavailable as fault:
        outage.met(fault.message)
        return False
    except StorageAway as away:
        _log.warning("upkeep waits for the storage", extra={"storage": away.strerror})
    except Exception:  # noqa: BLE001 - the other steps must go on
        _log.exception("upkeep met a defect and goes on")
    outage.past()
    return True
