"""The entry of `celery -A worker.celery_app`: settings, logs, services, tasks, upkeep.

Start workers `--without-gossip`: nobody here listens to it, and it trips over a Redis that restarts.
"""

import gc
import logging
import os
import secrets
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from celery import signals
from celery.exceptions import CPendingDeprecationWarning, SecurityWarning

from shared import lifeline
from shared.errors import OtherRelease, StoreUnavailable
from shared.logs import set_up_logs
from shared.queue import TaskQueue, make_celery
from shared.redis_kind import look_at_redis
from shared.services import build_services
from shared.settings import SettingsError, load_settings
from shared.version import VERSION
from worker import heartbeat
from worker.answers import noting
from worker.arrivals import Arrivals
from worker.departures import Departures
from worker.leases import Leases
from worker.listening import tend
from worker.probing import TIMEOUT_SECONDS
from worker.reach import Reach
from worker.stability import Stability
from worker.steps import attempt
from worker.tasks import register
from worker.upkeep import Consumer, ProviderWatch, Upkeep
from worker.workshop import Workshop

_log = logging.getLogger(__name__)

# it warns root of what a pickled message can do, and we take JSON only
warnings.filterwarnings("ignore", category=SecurityWarning)

try:
    settings = load_settings()
    app = make_celery(settings)
    services = build_services(settings, TaskQueue(app))
    look_at_redis(settings.required_redis_url)
except SettingsError as error:
    sys.exit(f"worker: {error}")
leases = Leases(services.store)
arrivals = Arrivals()
reach = Reach(services)
note = noting(services.tally, reach.heard)
shop = Workshop(
    settings=settings,
    store=services.store,
    images=services.images,
    provider=Stability(settings.provider_url, settings.provider_timeout_seconds, note, arrivals),
    leases=leases,
    breaker=services.breaker,
    stopping=threading.Event(),
    departures=Departures(arrivals),
)
register(app, services, shop)
accountant = Stability(settings.provider_url, TIMEOUT_SECONDS, note, arrivals)
_upkeep: list[Upkeep] = []


@signals.setup_logging.connect
def _begin(**_: Any) -> None:
    lifeline.hold()
    set_up_logs(settings, "worker")


@signals.worker_init.connect
def _refuse_another_release(**_: Any) -> None:
    try:
        services.store.check()
    except OtherRelease as fault:
        sys.exit(f"worker: {fault.message}")
    except StoreUnavailable:
        pass  # it waits for the store, as ever


@signals.worker_init.connect
def _begin_heartbeat(**_: Any) -> None:
    file = settings.heartbeat_file
    try:
        if file:
            heartbeat.begin(file)
    except OSError as error:
        sys.exit(f"worker: HEARTBEAT_FILE {file} can't be written: {error.strerror}")


@signals.worker_ready.connect
def _start_upkeep(sender: Any, **_: Any) -> None:
    # at every lost connection it tells of a default that this service sets on purpose; not earlier, for
    # Celery asks for these warnings once more after it has set up its logs
    warnings.filterwarnings("ignore", category=CPendingDeprecationWarning)
    consumer = Consumer(
        # two workers of one name must not hide each other, nor two hosts of one name: in containers
        # they have the same process id as well
        name=f"{sender.hostname}:{os.getpid()}:{secrets.token_hex(4)}",
        slots=sender.controller.concurrency,
        tend=partial(_tend, sender),
        restart=partial(os.kill, os.getpid(), signal.SIGTERM),
    )
    watch = ProviderWatch(accountant, reach, arrivals)
    upkeep = Upkeep(consumer, services, leases, watch)
    _upkeep.append(upkeep)
    upkeep.start()
    # what is loaded by now stays: no collection, nor the end of the process, need go through it
    gc.freeze()
    facts = {"worker": sender.hostname, "slots": consumer.slots, "version": VERSION}
    _log.info("ready", extra=facts)


def _tend(consumer: Any, listens: bool, well: Callable[[], None]) -> None:
    """Have Celery's own loop take messages or none, and show by a file that it runs."""
    tend(consumer, listens, well)
    if settings.heartbeat_file:
        consumer.call_soon(heartbeat.touch, settings.heartbeat_file)


@signals.task_prerun.connect
def _heard(**_: Any) -> None:
    for upkeep in _upkeep:
        upkeep.heard()


@signals.worker_shutting_down.connect
def _hand_back(**_: Any) -> None:
    """Give back what waits for its turn; what is already sent runs on, within a bound."""
    # a signal interrupts the main thread anywhere, another one this: locks are for a thread of its own
    threading.Thread(target=_end_in_time, name="end", daemon=True).start()


@signals.worker_shutdown.connect
def _stop_upkeep(**_: Any) -> None:
    for upkeep in _upkeep:
        upkeep.stop()


def _end_in_time() -> None:
    """Take no more jobs, and end this process when its calls take longer than it may take to stop.

    Celery would wait for them without a bound, and whoever stops us would kill us in the end; their jobs
    would then wait for their leases to run out.
    """
    end = time.monotonic() + settings.shutdown_grace_seconds
    shop.stopping.set()
    for upkeep in _upkeep:
        attempt(upkeep.drain)
    time.sleep(max(0, end - time.monotonic()))
    try:
        with suppress(StoreUnavailable):
            leases.give_up()
            services.tally.hand_in(last=True)
        _log.warning("stopped in the middle of calls", extra={"calls": len(leases.running())})
        logging.shutdown()
    finally:
        os._exit(1)
