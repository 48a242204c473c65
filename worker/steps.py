"""Steps that are done again and again; one that fails keeps no other from its turn."""

import logging
import threading
from collections.abc import Callable

from shared.errors import StoreUnavailable
from shared.image_store import StorageAway

_log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
# Seconds from one time to the next, and what is done.
Step = tuple[float, Callable[[], object]]


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


def attempt(step: Callable[[], object]) -> bool:
    """Do a step; return False when the job store is away."""
    try:
        step()
    except StoreUnavailable:
        _log.warning("upkeep waits for the job store")
        return False
    except StorageAway as away:
        _log.warning("upkeep waits for the storage", extra={"storage": away.strerror})
    except Exception:  # noqa: BLE001 - the other steps must go on
        _log.exception("upkeep met a defect and goes on")
    return True
