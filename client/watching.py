"""Follow a job or a batch to its end, over broken streams, restarts and services that are full."""

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from client.answers import read_object, value_of
from client.errors import ClientError, LimitReached, ServiceFault, Unreachable, WaitTimeout
from client.events import MIMETYPE, events_in
from client.models import Batch, Job
from client.transport import Transport, pauses

T = TypeVar("T", Job, Batch)
# Three heartbeats of the service: a stream that is silent for longer is dead, or held back by a proxy.
_SILENT_SECONDS = 45.0
# A stream can't end at a given moment, a held answer can; they are told apart by one heartbeat.
_LAST_SECONDS = 15.0
_HOLD_SECONDS = 30.0
_BREATH_SECONDS = 0.2


class Watch(Generic[T]):
    """One watch: what was seen last, and how it goes on."""

    def __init__(
        self, transport: Transport, path: str, read: Callable[[dict[str, Any]], T]
    ) -> None:
        self._transport, self._path = transport, path
        self._read: Callable[[dict[str, Any]], T] = read
        self._seen: T | None = None
        self._event_id = ""
        self._streams = True

    def changes(self, timeout: float | None, every: float | None) -> Iterator[T]:
        """Yield it as it is and at each change, up to its end; raise WaitTimeout or ClientError.

        With `every` it is also told so often (s) while it is queued, for its place in the queue.
        """
        end = math.inf if timeout is None else time.monotonic() + timeout
        lost = 0.0
        again = pauses()
        while not self._ended():
            try:
                for thing in self._round(end, every):
                    lost, again = 0.0, pauses()
                    yield thing
            except ClientError as error:
                pause = self._pause(error, next(again))
                lost = lost or time.monotonic()
                if time.monotonic() + pause - lost > self._transport.patience:
                    raise
                self._transport.sit_out(error, min(pause, max(0.0, end - time.monotonic())))
            self._check_time(end, timeout)

    def _ended(self) -> bool:
        return self._seen is not None and self._seen.terminal

    def _check_time(self, end: float, timeout: float | None) -> None:
        if not self._ended() and time.monotonic() >= end:
            raise WaitTimeout(self._seen, timeout or 0.0)

    def _pause(self, error: ClientError, pause: float) -> float:
        if not error.temporary:
            raise error
        return max(pause, error.retry_after or 0.0)

    def _round(self, end: float, every: float | None) -> Iterator[T]:
        """Yield what one stream tells, or one answer that is held until something has changed."""
        left = end - time.monotonic()
        queued = self._seen is None or self._seen.status == "queued"
        if every is not None and queued:
            yield from self._held(min(left, every) if self._seen else 0.0)
        elif self._streams and left > _LAST_SECONDS:
            yield from self._stream(end)
        else:
            yield from self._held(min(left, _HOLD_SECONDS))

    def _stream(self, end: float) -> Iterator[T]:
        self._streams = False  # until it has shown to work
        begun = time.monotonic()
        try:
            yield from self._events(end)
        except (LimitReached, ServiceFault):
            # no place for another stream, or none that can be read: an answer that is held does as well
            self._streams = False
            return
        except Unreachable:
            # silence is a proxy that holds it back; anything else says nothing against streams
            self._streams = self._streams or time.monotonic() - begun < _SILENT_SECONDS
            raise
        # one that closes before the end is a service that stops; it may be back at once
        time.sleep(_BREATH_SECONDS)

    def _events(self, end: float) -> Iterator[T]:
        last = {"Last-Event-ID": self._event_id} if self._event_id else {}
        with self._transport.once(
            "GET",
            f"{self._path}/events",
            headers={"Accept": MIMETYPE, **last},
            seconds=_SILENT_SECONDS,
        ) as response:
            if response.headers.get("Content-Type", "").split(";")[0] != MIMETYPE:
                return
            for event in events_in(response):
                self._streams = True
                if event:
                    self._event_id = event.id
                    yield from self._news(event.body)
                if self._ended() or end - time.monotonic() <= _LAST_SECONDS:
                    return

    def _held(self, seconds: float) -> Iterator[T]:
        hold, before = max(0.0, seconds), self._seen
        with self._transport.once(
            "GET", self._path, params={"wait": f"{hold:.1f}"}, seconds=hold + 15
        ) as response:
            body = read_object(response)
            waited = response.elapsed.total_seconds()
        early = waited < hold
        yield from self._news(body, always=before is not None and not early)
        if early and self._seen is before is not None:
            # a service that holds no more answers says so at once, and would be asked without a pause
            time.sleep(min(max(1, before.poll_after_seconds or 0), hold - waited))

    def _news(self, body: dict[str, Any], *, always: bool = False) -> Iterator[T]:
        thing = value_of(self._read, body)
        if always or self._seen is None or thing.revision > self._seen.revision:
            self._seen = thing
            yield thing
