"""The Celery side of the queue: names, settings with their reasons, and sending.

Celery carries a job's id and nothing else. A message may be lost or come twice: the job store
decides what happens (see `docs/architecture.md`).
"""

import logging
from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu import Queue
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.redis_address import broker_tls, broker_url
from shared.settings import Settings

_log = logging.getLogger(__name__)

QUEUE = "images"
MAKE_IMAGE = "images.make"
# Longer than any run: what a worker of an earlier release has noted as under way comes back long after
# the sweeper has acted, and then the claim refuses it.
_VISIBILITY_SECONDS = 3_600
_TRANSPORT = {
    "visibility_timeout": _VISIBILITY_SECONDS,
    "global_keyprefix": "celery:",
    # without these a publish or a half-open socket waits for ever
    "socket_timeout": 3,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 15,
}


def make_celery(settings: Settings) -> Celery:
    """Build the Celery app that senders, workers and Flower share."""
    url = settings.required_redis_url
    app = Celery("images", broker=broker_url(url), set_as_current=False)
    app.conf.update(celery_settings(settings))
    if tls := broker_tls(url):
        app.conf.broker_use_ssl = tls
    return app


def celery_settings(settings: Settings) -> dict[str, Any]:
    """Return every Celery setting that is not the default, each for a reason."""
    return {
        "task_default_queue": QUEUE,
        # a message is a hint, and the job store decides: Celery's note of each that is under way, and
        # the removal of that, would be two synced writes on the way of every job
        "task_queues": [Queue(QUEUE, no_ack=True)],
        # nothing else bounds how many messages a worker takes that notes none: one when it has a free
        # slot. What it had no slot for could have been a free worker's.
        "worker_disable_prefetch": True,
        # so nothing is to be reduced after a lost connection, and Celery would say it was for ever
        "worker_enable_prefetch_count_reduction": False,
        # a job's state is in the job store; a second truth beside it could only differ
        "task_ignore_result": True,
        "task_serializer": "json",
        "accept_content": ["json"],
        "broker_transport_options": _TRANSPORT,
        "visibility_timeout": _VISIBILITY_SECONDS,
        "broker_connection_retry_on_startup": True,
        # a worker outlives any outage of Redis
        "broker_connection_max_retries": None,
        # as many senders at once as a burst of callers makes
        "broker_pool_limit": 64,
        # once more, for a pooled connection that a restart of Redis has cut; what can't be sent then
        # is sent again by the sweeper, and no caller waits for it
        "task_publish_retry_policy": {"max_retries": 1, "interval_start": 0, "interval_max": 0},
        # calls wait for the provider most of the time: threads hold hundreds of them in one process
        "worker_pool": "threads",
        "worker_concurrency": settings.worker_concurrency,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Flower lives on these events; they carry the job's id only. That of a task's end also wakes the
        # loop of a worker that was full, which asks for no message until then. The senders' own is not
        # among them: it cost a sender almost as much as the task, and the worker's first comes a few ms
        # later.
        "worker_send_task_events": True,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


class TaskQueue:
    """Send tasks by name; the task's id is the job's id."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, job_id: str) -> None:
        """Send one job to the workers; may raise what the broker raises."""
        self._app.send_task(MAKE_IMAGE, args=[job_id], task_id=job_id)


def dispatch(store: JobStore, queue: TaskQueue) -> int:
    """Start the jobs that can start by now; return how many."""
    try:
        job_ids = store.dispatch()
    except StoreUnavailable:
        _log.warning("jobs wait for the upkeep to dispatch them")
        return 0
    send(job_ids, queue)
    return len(job_ids)


def send(job_ids: Sequence[str], queue: TaskQueue) -> None:
    """Send jobs that have started to the workers.

    A message that can't be sent is not an error here: its job stands as dispatched, and the sweeper
    puts it back when no worker claims it. After the first the rest is not tried, since each try may
    take seconds and a caller, or the leases of this worker, wait for it.
    """
    for job_id in job_ids:
        try:
            queue.send(job_id)
        except (OperationalError, RedisError, OSError):
            _log.warning("could not send a job to the workers", extra={"job_id": job_id})
            return
