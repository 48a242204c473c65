"""Celery's consumer, kept as this worker wants it: it takes messages, or none.

What is handed to Celery's own loop just when its connection breaks is lost, or runs on the old one. A
queue that was canceled before that is left out of every consumer that Celery makes from then on: the
worker lives, and never takes a message again. So it is not told once, but looked at with each heartbeat.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from celery.worker.request import Request

from shared.queue import QUEUE

_log = logging.getLogger(__name__)
# Kombu asks Redis for messages anew each second, when it has none, and not while all slots are taken.
_ASKS_SECONDS = 10.0


class Taken(Request):
    """A message that Redis forgot when this worker took it: nothing is left to acknowledge."""

    def acknowledge(self) -> None:
        """Spare Redis a removal of nothing."""
        self.acknowledged = True


def tend(consumer: Any, listens: bool, well: Callable[[], None]) -> None:
    """Have Celery's own loop see to it that its consumer takes messages, or none; any thread may ask.

    `well` is called there when all is as it should be: the consumer on its queue, and asking Redis.
    """
    consumer.call_soon(settle, consumer, listens, well)


def settle(consumer: Any, listens: bool, well: Callable[[], None]) -> None:
    """Do what `tend` asks for, in Celery's own loop."""
    if not (consumer.connection and consumer.task_consumer):
        return  # it connects, and is looked at after that
    try:
        if consumer.task_consumer.consuming_from(QUEUE) != listens:
            _log.info("takes messages or none", extra={"takes": listens})
            change = consumer.add_task_queue if listens else consumer.cancel_task_queue
            change(QUEUE)
    except (*consumer.connection_errors, *consumer.channel_errors):
        return  # Celery meets the same, connects anew, and this is tried again
    if not listens or asks(consumer.task_consumer.channel):
        well()


def asks(channel: Any) -> bool:
    """Tell whether a channel of Kombu has asked Redis for messages lately, or has no free slot."""
    if not channel.qos.can_consume():
        return True
    sent: float | None = channel._brpop_sent_at  # noqa: SLF001 - it tells nobody
    return sent is not None and time.monotonic() - sent < _ASKS_SECONDS
