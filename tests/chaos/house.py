"""The service under chaos: the real stack, a second worker that is started again, and a guard."""

import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.chaos.processes import Guard
from tests.e2e.stack import Stack, children

# Shorter than a lease, so that a call that never ends is known before its worker is taken for lost.
PROVIDER_TIMEOUT = 15.0
# Little enough that the callers use most of it: what is over the limit shows.
_RATE = "50/10s"
# What the sandbox is told after each of its starts; pictures are small and calls take a while.
MANNERS: dict[str, Any] = {
    "latency": {"generate": 1.5, "upscale": 1.0, "creative_start": 1.0, "creative_cook": 4.0},
    "jitter": 0.5,
    "rate": _RATE,
    "lockout": 8.0,
    "retry_after_header": True,
    "valid_keys": None,
    "down": False,
    "fail_rate": 0.0,
}
_ENVIRONMENT = {
    "PROVIDER_RATE": _RATE,
    "PROVIDER_TIMEOUT_SECONDS": str(PROVIDER_TIMEOUT),
    "SHUTDOWN_GRACE_SECONDS": "5",
}
_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 30


class House:
    """Start everything on entering, and leave no process behind, however the block ends."""

    def __init__(self, folder: Path) -> None:
        self._guard = Guard()
        self.stack = _GuardedStack(folder, self._guard, **_ENVIRONMENT)
        self.sandbox = ""
        self._second: subprocess.Popen[bytes] | None = None
        self._closing = threading.Event()
        self._keeper = threading.Thread(target=self._keep_second, daemon=True)

    def __enter__(self) -> "House":
        try:
            self.stack.start(**MANNERS)
            self.sandbox = self.stack.sandbox
            self._keeper.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def pid(self, part: str) -> int:
        """Return the process id of a part, 0 while it is down."""
        if part == "second worker":
            second = self._second
            return second.pid if second and second.poll() is None else 0
        if part == "web":
            master = self.stack.pid("api")
            return next((pid for pid, _ in children(master)), 0) if master else 0
        return self.stack.pid(part)

    def wake(self) -> None:
        """Let everything that is frozen go on."""
        self._guard.wake()

    def close(self) -> None:
        """Stop everything; the folders stay. Does nothing the second time."""
        if self._closing.is_set():
            return
        self._closing.set()
        self.wake()
        try:
            while self._keeper.is_alive():  # it may be about to start one more
                if self._second:
                    self._second.terminate()
                self._keeper.join(timeout=_AGAIN_SECONDS)
            if self.stack.process:
                with suppress(subprocess.TimeoutExpired):
                    self.stack.stop(seconds=_STOP_SECONDS)
        finally:
            self._guard.close()

    def _keep_second(self) -> None:
        """Start the second worker again whenever it dies, as a supervisor would."""
        with (self.stack.folder / "second.log").open("ab") as log:
            while not self._closing.is_set():
                self._second = self.stack.launch_worker(
                    log, stdin=subprocess.DEVNULL, start_new_session=True
                )
                self._guard.watch(self._second.pid)
                self._second.wait()
                self._closing.wait(_AGAIN_SECONDS)


class _GuardedStack(Stack):
    """A stack that the guard knows before anything can go wrong with it."""

    def __init__(self, folder: Path, guard: Guard, **environment: str) -> None:
        super().__init__(folder, **environment)
        self._guard = guard

    def launch(self) -> None:
        """Start the process without waiting for it."""
        super().launch()
        if self.process:
            self._guard.watch(self.process.pid)
