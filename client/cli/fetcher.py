"""Fetch several images at once, so that none waits for another's way over the network."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Self

from client.client import Client
from client.errors import ClientError

Work = Callable[[Client], None]
AT_ONCE = 4
# Windows interrupts no wait that has no end.
_LOOK_SECONDS = 0.2
# Who is interrupted waits no longer than this for what can be ended in good order.
_STOP_SECONDS = 0.2


class Fetcher:
    """Does pieces of work in threads, each with a client of its own; leaving it early drops the rest.

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
        self._faults: list[Exception] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._stopped = True
            self._waiting.clear()
            self._changed.notify_all()
        for client in self._clients:
            client.close()
        end = time.monotonic() + _STOP_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    @property
    def stopped(self) -> bool:
        """Tell whether what is still fetched is nobody's any more."""
        return self._stopped

    def take(self, work: Work) -> None:
        """Have a piece of work done soon; the fault of an earlier one that concerns all is raised."""
        with self._changed:
            self._raise_common()
            self._waiting.append(work)
            self._changed.notify_all()
            if len(self._threads) < min(self._at_once, self._busy + len(self._waiting)):
                self._start()

    def settle(self) -> None:
        """Wait until all work is done; raise the fault that concerns all, if there was one."""
        with self._changed:
            while self._busy or self._waiting:
                self._changed.wait(_LOOK_SECONDS)
            self._raise_common()

    def check(self) -> None:
        """Raise the first fault of a single piece of work: it has kept no other from being done."""
        if self._faults:
            raise self._faults[0]

    def _start(self) -> None:
        client = self._client.twin()
        self._clients.append(client)
        thread = threading.Thread(target=self._run, args=(client,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _run(self, client: Client) -> None:
        while work := self._next():
            fault: Exception | None = None
            try:
                work(client)
            except Exception as error:  # noqa: BLE001 - it is raised by whoever waits
                fault = error
            with self._changed:
                self._busy -= 1
                if fault:
                    self._note(fault)
                self._changed.notify_all()

    def _next(self) -> Work | None:
        with self._changed:
            while not self._waiting and not self._stopped:
                self._changed.wait()
            if self._stopped:
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _note(self, fault: Exception) -> None:
        if _concerns_all(fault):
            self._faults.insert(0, fault)
            self._waiting.clear()
        else:
            self._faults.append(fault)

    def _raise_common(self) -> None:
        if self._faults and _concerns_all(self._faults[0]):
            raise self._faults[0]


def _concerns_all(fault: Exception) -> bool:
    """Tell whether the next image would meet the same: no service, a full disk, a defect."""
    return not isinstance(fault, ClientError) or fault.temporary
