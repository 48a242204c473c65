"""Fetch several images at once, so that none waits for another's way over the network."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from client.client import Client

Work = Callable[[Client], None]
AT_ONCE = 4
# Windows interrupts no wait that has no end.
_LOOK_SECONDS = 0.2
# Who is interrupted waits no longer than this for what can be ended in good order.
STOP_SECONDS = 0.2


class Fetcher:
    """Does pieces of work in threads, each with a client of its own; leaving it early drops the rest.

    A fault of one is raised for all: what concerns a single one alone is for the work itself to keep.
    The threads are daemons: what hangs in one of them must not hold up an end by Ctrl-C.
    """

    def __init__(self, client: Client, at_once: int = AT_ONCE) -> None:
        self._client, self._at_once = client, at_once
        self._changed = threading.Condition()
        self._waiting: deque[Work] = deque()
        self._clients: list[Client] = []
        self._threads: list[threading.Thread] = []
        self._busy = 0
        self._stopped = False
        self._fault: BaseException | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        for client in self._clients:
            client.close()
        end = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    @property
    def stopped(self) -> bool:
        """Tell whether what is still fetched is nobody's any more."""
        return self._stopped

    def take(self, work: Work) -> None:
        """Have a piece of work done soon; the fault of an earlier one is raised."""
        with self._changed:
            self._raise()
            self._waiting.append(work)
            self._changed.notify_all()
            if len(self._threads) < min(self._at_once, self._busy + len(self._waiting)):
                self._start()

    def settle(self) -> None:
        """Wait until all work is done; raise a fault as soon as there is one."""
        with self._changed:
            while (self._busy or self._waiting) and not self._fault:
                self._changed.wait(_LOOK_SECONDS)
            self._raise()

    def _start(self) -> None:
        client = self._client.twin()
        self._clients.append(client)
        thread = threading.Thread(target=self._run, args=(client,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, client: Client) -> None:
        while work := self._next():
            fault: BaseException | None = None
            try:
                work(client)
            except BaseException as error:  # noqa: BLE001 - it is raised by whoever waits
                fault = error
            with self._changed:
                self._busy -= 1
                if fault:
                    self._fault = self._fault or fault
                    self._waiting.clear()
                self._changed.notify_all()

    def _next(self) -> Work | None:
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _raise(self) -> None:
        if self._fault:
            raise self._fault
