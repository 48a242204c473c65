"""What every worker does besides images, in threads of their own.

Heartbeat and leases; sweep and dispatch; retention; webhooks; probes; is there room for images, do
messages come?

Any number of workers may do it at once: each step is atomic in the store and does nothing twice.
"""

import threading
from contextlib import suppress
from functools import partial

from shared.errors import StoreUnavailable
from shared.outbound import Outbound
from shared.queue import dispatch
from shared.services import Services
from worker.leases import RENEW_SECONDS, Leases
from worker.probing import Accountant, probe
from worker.retention import Retiring, expire, tidy
from worker.steps import TICK_SECONDS, Step, repeat
from worker.storage_watch import LOOK_SECONDS as STORAGE_SECONDS
from worker.storage_watch import StorageWatch
from worker.sweep import sweep
from worker.watchdog import LOOK_SECONDS as WATCHDOG_SECONDS
from worker.watchdog import Watchdog
from worker.webhooks import Courier

_HEARTBEAT_SECONDS = 2.0
_HEARTBEAT_TTL_MS = 10_000
_SWEEP_SECONDS = 1.0
_EXPIRE_SECONDS = 1.0
_PROBE_SECONDS = 1.0
_RETIRE_SECONDS = 2.0
# Which of the workers does it, and that none does it again within the hour, the store decides.
_TIDY_SECONDS = 60.0
# What is cut off then is sent again: by another worker, or after the next start.
_LAST_WEBHOOKS_SECONDS = 3.0


class Upkeep:
    """The threads; `stop` ends them and says good-bye for the worker."""

    def __init__(
        self,
        worker: str,
        services: Services,
        leases: Leases,
        accountant: Accountant,
        watchdog: Watchdog,
    ) -> None:
        self._worker = worker
        self._draining = threading.Event()
        self._storage = StorageWatch(services.images)
        self._services = services
        self._leases = leases
        self._courier = Courier(services, Outbound(services.settings.webhook_allow_private))
        self._stopped = threading.Event()
        # the leases have a thread of their own: no slow chore may let them run out
        self._threads = [
            threading.Thread(target=repeat, args=[steps, self._stopped], name=name, daemon=True)
            for name, steps in (
                ("pulse", self._pulse()),
                ("chores", self._chores()),
                # apart from the chores: a folder that is slow or full of files must not delay a dispatch
                ("retention", self._retention()),
                ("webhooks", [(TICK_SECONDS, self._courier.collect)]),
                ("probes", [(_PROBE_SECONDS, partial(probe, services, accountant))]),
                ("storage", [(STORAGE_SECONDS, self._storage.look)]),
                ("watchdog", [(WATCHDOG_SECONDS, watchdog.look)]),
            )
        ]

    def start(self) -> None:
        """Begin; from the first heartbeat on, jobs are dispatched to this worker."""
        for thread in self._threads:
            thread.start()

    def drain(self) -> None:
        """Take no more jobs, but keep the leases of those that run."""
        self._draining.set()
        with suppress(StoreUnavailable):
            self._services.store.heartbeat(self._worker, 0, 0)

    def stop(self) -> None:
        """End the threads; what still has a lease by then is swept when it runs out."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._courier.stop(_LAST_WEBHOOKS_SECONDS)
        self.drain()

    def _pulse(self) -> list[Step]:
        return [(_HEARTBEAT_SECONDS, self._beat), (RENEW_SECONDS, self._leases.renew)]

    def _chores(self) -> list[Step]:
        services = self._services
        return [
            (_SWEEP_SECONDS, partial(sweep, services)),
            (TICK_SECONDS, partial(dispatch, services.store, services.queue)),
        ]

    def _retention(self) -> list[Step]:
        services = self._services
        return [
            (_EXPIRE_SECONDS, partial(expire, services)),
            (_RETIRE_SECONDS, Retiring(services).step),
            (_TIDY_SECONDS, partial(tidy, services)),
        ]

    def _beat(self) -> None:
        if self._draining.is_set():
            return
        # alive without a slot: whatever was made could not be kept
        slots = 0 if self._storage.trouble() else self._services.settings.worker_concurrency
        self._services.store.heartbeat(self._worker, slots, _HEARTBEAT_TTL_MS)
        if self._draining.is_set():  # since it was looked at
            self.drain()
