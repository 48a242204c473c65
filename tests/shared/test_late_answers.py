"""What a server that hangs does later must not be what its callers were told would not happen."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError, ResponseError

from shared.errors import StoreUnavailable
from shared.events import CHANNEL, Events
from shared.job_store import JobStore
from shared.services import connect
from tests.builders import a_job, fits, until


def test_an_accept_that_runs_after_its_caller_was_refused_accepts_nothing(
    store: JobStore, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.acceptance.PATIENCE_MS", -1)

    with pytest.raises(StoreUnavailable, match="too late"):
        store.accept(a_job(), 10)

    assert redis_client.dbsize() == 0


def test_a_clock_that_was_set_since_the_last_look_refuses_nobody(store: JobStore) -> None:
    assert fits(lambda: store.accept(a_job(), 10))
    store._clock_ahead = -3_600_000  # noqa: SLF001 - an hour between the two clocks

    assert fits(lambda: store.accept(a_job(), 10))


@pytest.mark.parametrize(
    "error",
    [
        ReadOnlyError("You can't write against a read only replica."),
        MasterDownError("Link with MASTER is down"),
        OutOfMemoryError("command not allowed when used memory > 'maxmemory'."),
        ResponseError("MISCONF Redis is configured to save snapshots"),
        ResponseError("BUSY Redis is busy running a script."),
        ResponseError("Error running script: -OOM command not allowed"),
    ],
    ids=str,
)
def test_a_server_that_can_take_nothing_is_away(
    store: JobStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr("redis.Redis.hgetall", refuse)

    with pytest.raises(StoreUnavailable):
        store.get("a")


def test_a_script_that_fails_is_a_defect_and_no_outage(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ResponseError("value is not an integer or out of range")

    monkeypatch.setattr("redis.Redis.hgetall", fail)

    with pytest.raises(ResponseError):
        store.get("a")


def test_an_event_channel_that_goes_silent_is_opened_again(
    redis_url: str, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.events._LISTEN_SECONDS", 0.1)
    monkeypatch.setattr("shared.events._RECONNECT_SECONDS", 0.01)
    password, address = redis_url.removeprefix("redis://:").split("@")
    port = int(address.split(":")[1].split("/")[0])
    with Proxy(port) as proxy:
        client = connect(f"redis://:{password}@127.0.0.1:{proxy.port}/0")
        events = Events(client)
        with events.watch("j") as changed:
            until(lambda: redis_client.pubsub_numsub(CHANNEL)[0][1] > 0)
            changed.clear()
            proxy.go_silent()

            until(changed.is_set)  # everybody is woken once the new channel stands
        events.close()
        until(lambda: not any(each.name == "events" for each in threading.enumerate()))


class Proxy:
    """A way to a server that can fall silent without closing, as a cut cable does."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._silent: set[socket.socket] = set()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Proxy":
        self._begin(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # closing alone would leave who waits for a caller waiting, and take one more
        hang_up(self._listener)
        self._threads[0].join()
        for end in self._open:
            hang_up(end)
        for thread in self._threads:
            thread.join()
        for end in self._open:
            end.close()

    def go_silent(self) -> None:
        """Swallow what comes on every connection there is; new ones work."""
        self._silent |= set(self._open)

    def _begin(self, work: Callable[..., None], *args: socket.socket) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError), self._listener:
            while True:
                near = self._listener.accept()[0]
                self._open.append(near)
                far = socket.create_connection(("127.0.0.1", self._target))
                self._open.append(far)
                for ends in ((near, far), (far, near)):
                    self._begin(self._pass_on, *ends)

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if source not in self._silent:
                    sink.sendall(data)


def hang_up(end: socket.socket) -> None:
    """Wake who waits at a socket."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
