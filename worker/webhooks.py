"""Webhooks: one signed call to whoever asked to be told the end of a job or a batch.

None of this is on a job's way: a receiver that is slow or dead keeps its own webhooks waiting.
"""

import json
import logging
import random
import secrets
import threading
import time
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlsplit

from standardwebhooks import Webhook

from shared.batches import Batch
from shared.client_keys import webhook_secret_of
from shared.deliveries import Parcel, Try, webhook_id
from shared.delivery_views import batch_event, job_event
from shared.errors import NotFound, OutboundFault, StoreUnavailable
from shared.jobs import Job
from shared.logs import job_id as logged_job_id
from shared.logs import request_id
from shared.outbound import Outbound
from shared.services import Services
from shared.views import batch_view, job_view
from worker.leases import insist

_log = logging.getLogger(__name__)
# What may be on its way from one worker, and from all of them to one receiver.
MOST_AT_ONCE = 32
MOST_TO_ONE = 4
# A try takes 10 s at most.
LEASE_MS = 30_000
_PAUSES_SECONDS = (5, 30, 300, 1_800, 7_200, 18_000, 36_000)
_JITTER = 0.1


class Courier:
    """Send what is due, several at a time, each in a thread that goes on while there is more."""

    def __init__(self, services: Services, outbound: Outbound) -> None:
        self._services = services
        self._outbound = outbound
        self._free = threading.BoundedSemaphore(MOST_AT_ONCE)
        self._stopped = threading.Event()

    def collect(self) -> None:
        """Begin to send what is due, as far as hands are free; may raise StoreUnavailable."""
        while self._free.acquire(blocking=False):
            begun = False
            try:
                begun = self._begin()
            finally:
                if not begun:
                    self._free.release()
            if not begun:
                return

    def stop(self, seconds: float) -> None:
        """Begin nothing more, and wait so long for what is under way; the rest is sent by others."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        end = time.monotonic() + seconds
        for _ in range(MOST_AT_ONCE):
            self._free.acquire(timeout=max(0, end - time.monotonic()))

    def _begin(self) -> bool:
        parcel = self._next()
        if parcel is None:
            return False
        threading.Thread(target=self._carry, args=[parcel], name="webhook", daemon=True).start()
        return True

    def _next(self) -> Parcel | None:
        if self._stopped.is_set():
            return None
        return self._services.outbox.take(secrets.token_hex(8), LEASE_MS, MOST_TO_ONE)

    def _carry(self, first: Parcel) -> None:
        parcel: Parcel | None = first
        try:
            while parcel:
                deliver(parcel, self._services, self._outbound)
                parcel = self._next()
        except StoreUnavailable:
            _log.warning("webhooks wait for the job store")
        finally:
            self._free.release()


def deliver(parcel: Parcel, services: Services, outbound: Outbound) -> None:
    """Call a receiver once and note how that went; may raise StoreUnavailable."""
    begun = time.monotonic()
    thing = _subject(parcel, services)
    if thing is None:
        return  # its record has come to its end, and the outbox will see that
    logged_job_id.set("" if isinstance(thing, Batch) else thing.id)
    request_id.set(thing.request_id)
    try:
        done = _call(thing, services, outbound)
    except NotFound:
        return
    pause_ms = pause_after(parcel.failures)
    decided = insist(
        partial(services.outbox.record, parcel, done, pause_ms),
        lambda: (time.monotonic() - begun) * 1000 < LEASE_MS,
    )
    if decided:
        _tell(thing, done, pause_ms)


def pause_after(failures: int) -> int | None:
    """Return the ms to the next try after one more failure than these, None when it was the last."""
    if failures >= len(_PAUSES_SECONDS):
        return None
    # what failed together must not come back together
    return round(_PAUSES_SECONDS[failures] * 1000 * random.uniform(1 - _JITTER, 1 + _JITTER))


def _subject(parcel: Parcel, services: Services) -> Job | Batch | None:
    if parcel.kind == "batch":
        return services.index.batch(parcel.id)
    return services.store.get(parcel.id)


def _call(thing: Job | Batch, services: Services, outbound: Outbound) -> Try:
    at, begun = round(time.time() * 1000), time.monotonic()
    status: int | None = None
    error: str | None = None
    secret = services.settings.webhook_secret
    if secret is None:
        return Try(at, None, "WEBHOOK_SECRET is not set any more, so nothing can be signed", 0)
    try:
        body = _body(thing, services)
        own = webhook_secret_of(thing.owner, secret.get_secret_value())
        headers = _headers(webhook_id(thing), body, own)
        status = outbound.post(thing.webhook, body.encode(), headers)
        error = _refusal(status)
    except OutboundFault as fault:
        error = f"No answer: {fault.message}"
    except (StoreUnavailable, NotFound):
        raise
    except Exception:  # noqa: BLE001 - it must come to an end, by the same pauses as any other trouble
        _log.exception("a defect kept a webhook from being sent")
        error = "Something went wrong in this service"
    return Try(at, status, error, round((time.monotonic() - begun) * 1000))


def _body(thing: Job | Batch, services: Services) -> str:
    if isinstance(thing, Batch):
        batch, jobs = services.index.whole(thing)
        event = batch_event(batch, batch_view(batch, jobs, services.settings))
    else:
        event = job_event(thing, job_view(thing, services.settings))
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _headers(message: str, body: str, secret: str) -> dict[str, str]:
    now = datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, now, body),
    }


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"The receiver answered {status}; redirects are not followed"
    return f"The receiver answered {status}"


def _tell(thing: Job | Batch, done: Try, pause_ms: int | None) -> None:
    # the rest of a URL may hold what is nobody else's
    facts = {
        "receiver": urlsplit(thing.webhook).hostname,
        "batch_id": thing.id if isinstance(thing, Batch) else None,
        "duration_ms": done.duration_ms,
    }
    if done.delivered:
        _log.info("delivered a webhook", extra=facts)
        return
    facts["reason"] = done.error
    if pause_ms is None:
        _log.warning("a webhook is given up", extra=facts)
    else:
        _log.warning("a webhook is tried again later", extra=facts)
