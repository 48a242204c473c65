"""Read a stream of events as a client does, without ever waiting for longer than a test may."""

import json
import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import sseclient
from werkzeug.test import TestResponse

from tests.api.callers import Api

_LONGEST_WAIT = 10


@dataclass(frozen=True)
class Told:
    """One event: its id as a number, its name, what it says."""

    id: int
    event: str
    body: dict[str, Any]

    @property
    def status(self) -> str:
        """How the job or the batch stood."""
        return str(self.body["status"])


class Stream:
    """A stream that is read by a thread of its own."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._heard: queue.Queue[Told | None] = queue.Queue()
        self.text = ""
        self._thread = threading.Thread(target=self._read, args=[chunks], daemon=True)
        self._thread.start()

    def _read(self, chunks: Iterable[bytes]) -> None:
        source = cast("Any", self._noted(chunks))
        for event in sseclient.SSEClient(source).events():
            self._heard.put(Told(int(event.id or 0), event.event, json.loads(event.data)))
        self._heard.put(None)

    def _noted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.text += chunk.decode()
            yield chunk

    def next(self) -> Told:
        """Return the next event."""
        told = self._heard.get(timeout=_LONGEST_WAIT)
        assert told is not None, "the stream has ended"
        return told

    def rest(self) -> list[Told]:
        """Return the events until the stream ends."""
        return list(iter(lambda: self._heard.get(timeout=_LONGEST_WAIT), None))

    def is_silent(self, seconds: float = 0.3) -> bool:
        """Tell whether no event comes for so long."""
        try:
            self._heard.get(timeout=seconds)
        except queue.Empty:
            return True
        return False

    def join(self) -> None:
        """Return when the stream has ended."""
        self._thread.join(timeout=_LONGEST_WAIT)
        assert not self._thread.is_alive(), "the stream has not ended"


def open_stream(api: Api, path: str, **options: Any) -> TestResponse:
    """Return a stream's answer of which nothing was read yet."""
    return api.app.test_client().get(path, **options)


@contextmanager
def watching(
    api: Api, path: str, seen: int | str | None = None, **options: Any
) -> Iterator[Stream]:
    """Watch an address; the process stops when the block ends, so that the stream does too."""
    headers = {} if seen is None else {"Last-Event-ID": str(seen)}
    answer = open_stream(api, path, headers=headers, **options)
    assert answer.status_code == 200, answer.get_data()
    stream = Stream(answer.iter_encoded())
    try:
        yield stream
    finally:
        api.events.close()
        stream.join()
        answer.close()
