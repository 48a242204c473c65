"""Who waits for what: one subscriber a process, which wakes whoever waits for a job.

Pub/sub delivers at most once, so a wake-up only says "read the record again"; after a reconnect
everybody is woken, and whoever waits reads once more when the time is up.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from shared.scripts import PREFIX

_log = logging.getLogger(__name__)
CHANNEL = f"{PREFIX}events"
_RECONNECT_SECONDS = 0.5
_LISTEN_SECONDS = 5.0


class Events:
    """Wake callers when their job changes; the listening thread starts with the first of them."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._lock = threading.Lock()
        self._waiting: dict[str, set[threading.Event]] = defaultdict(set)
        self._thread: threading.Thread | None = None
        self._closed = threading.Event()

    @property
    def closed(self) -> bool:
        """Whether this process is shutting down, so that nobody should wait any longer."""
        return self._closed.is_set()

    @contextmanager
    def watch(self, job_id: str) -> Iterator[threading.Event]:
        """Give an event that is set at each change of a job; clear it, then read the record.

        It is set to begin with: a change may have come before this was asked.
        """
        event = threading.Event()
        event.set()
        with self._lock:
            self._waiting[job_id].add(event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
        try:
            yield event
        finally:
            with self._lock:
                self._waiting[job_id].discard(event)
                if not self._waiting[job_id]:
                    del self._waiting[job_id]

    def close(self) -> None:
        """Wake everybody for good: this process stops."""
        self._closed.set()
        self._wake_all()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._listen()
            except (RedisError, OSError, ValueError):  # the last: closed under the one who reads
                _log.warning("lost the event channel, connecting again")
            self._closed.wait(_RECONNECT_SECONDS)

    def _listen(self) -> None:
        with self._redis.pubsub() as channel:  # type: ignore[no-untyped-call]
            channel.subscribe(CHANNEL)
            asked = False
            while not self._closed.is_set():
                message = channel.get_message(timeout=_LISTEN_SECONDS)
                if message is not None:
                    asked = False
                    self._hear(message)
                elif asked:
                    # half open: the other end is gone and nobody has said so
                    raise RedisConnectionError("the event channel has gone silent")
                else:
                    asked = True
                    channel.ping()

    def _hear(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._wake_all()  # what changed before the subscription stood was not heard
        elif message["type"] == "message":
            self._wake(str(message["data"]).split(" ", 1)[0])

    def _wake(self, job_id: str) -> None:
        with self._lock:
            events = list(self._waiting.get(job_id, ()))
        for event in events:
            event.set()

    def _wake_all(self) -> None:
        with self._lock:
            events = [event for group in self._waiting.values() for event in group]
        for event in events:
            event.set()
