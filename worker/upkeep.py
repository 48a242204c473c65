"""What every worker does besides images, in threads of their own.

Heartbeat and leases; sweep and dispatch; retention; webhooks; probes; is there room for images, do
messages come?

Any number of workers may do it at once: each step is atomic in the store and does nothing twice.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from shared.errors import OtherRelease, StoreUnavailable
from shared.moves import Trouble
from shared.outbound import Outbound
from shared.queue import dispatch
from shared.services import Services
from shared.tally import REPORT_SECONDS
from worker.arrivals import Arrivals
from worker.leases import RENEW_SECONDS, Leases
from worker.probing import Accountant, probe
from worker.reach import Reach
from worker.retention import Retiring, expire, tidy
from worker.steps import TICK_SECONDS, Step, repeat
from worker.storage_watch import LOOK_SECONDS as STORAGE_SECONDS
from worker.storage_watch import StorageWatch
from worker.sweep import sweep
from worker.watchdog import LOOK_SECONDS as WATCHDOG_SECONDS
from worker.watchdog import Watchdog
from worker.webhooks import Courier

_log = logging.getLogger(__name__)
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


@dataclass(frozen=True, slots=True)
class Consumer:
    """Celery's side of this worker: its name, how many jobs it can run, and what it can be told.

    `tend` to take messages or not, and to show from its own loop that it does so: it gets what is to be
    called then. `restart` to end and be started again.
    """

    name: str
    slots: int
    tend: Callable[[bool, Callable[[], None]], None]
    restart: Callable[[], None]


@dataclass(frozen=True, slots=True)
class ProviderWatch:
    """What this worker knows of its way to the provider, and who asks for the balance."""

    accountant: Accountant
    reach: Reach
    arrivals: Arrivals


class Upkeep:
    """The threads; `stop` ends them and says good-bye for the worker."""

    def __init__(
        self, consumer: Consumer, services: Services, leases: Leases, provider: ProviderWatch
    ) -> None:
        self._consumer = consumer
        self._provider = provider
        self._watchdog = Watchdog(services.index, leases, consumer.slots, consumer.restart)
        # called at every message
        self.heard = self._watchdog.heard
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
                ("probes", [(_PROBE_SECONDS, self._probe)]),
                ("arrivals", [(TICK_SECONDS, partial(provider.arrivals.book, services.store))]),
                ("storage", [(STORAGE_SECONDS, self._storage.look)]),
                ("tally", [(REPORT_SECONDS, services.tally.hand_in)]),
                ("watchdog", [(WATCHDOG_SECONDS, self._watchdog.look)]),
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
            self._services.store.heartbeat(self._consumer.name, 0, 0)

    def stop(self) -> None:
        """End the threads; what still has a lease by then is swept when it runs out."""
        self._stopped.set()
        for thread in self._threads:
            thread.join(timeout=5)
        self._courier.stop(_LAST_WEBHOOKS_SECONDS)
        self.drain()
        with suppress(StoreUnavailable):
            self._services.tally.hand_in(last=True)

    def _pulse(self) -> list[Step]:
        return [(_HEARTBEAT_SECONDS, self._beat), (RENEW_SECONDS, self._renew)]

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
        trouble = self._trouble()
        if trouble:
            self.heard()  # it is not meant to hear anything
        # alive without a slot: whatever was made could not be kept, or nothing could be made
        slots = 0 if trouble else self._consumer.slots
        try:
            self._services.store.heartbeat(self._consumer.name, slots, _HEARTBEAT_TTL_MS, trouble)
        except OtherRelease as fault:
            # the messages are for workers that may act on them
            _log.error(
                "this worker ends: the store is another release's", extra={"reason": fault.message}
            )
            self._draining.set()
            self._consumer.restart()
            return
        # messages are everybody's: those that this worker could not serve are for others to take
        self._consumer.tend(not trouble, self._watchdog.well)
        if self._draining.is_set():  # since it was looked at
            self.drain()

    def _trouble(self) -> Trouble:
        if self._storage.trouble():
            return "storage_error"
        return "provider_unavailable" if self._provider.reach.lost else ""

    def _probe(self) -> None:
        self._provider.reach.look(self._provider.accountant)
        # who does not reach the provider can't tell whether others would
        if not self._provider.reach.lost:
            probe(self._services, self._provider.accountant)

    def _renew(self) -> None:
        # what has not been sent waits for a folder that may never answer: others may do better
        self._leases.renew(only_sent=self._storage.hangs())
