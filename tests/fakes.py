"""Stand-ins with the same shape as the real things."""

from collections.abc import Callable
from typing import Any

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.queue import TaskQueue
from worker.wire import Outgoing, ProviderImage


class RememberingQueue(TaskQueue):
    """A queue that sends nothing and remembers the ids it was given."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, job_id: str) -> None:
        """Remember one job."""
        self.sent.append(job_id)


class ScriptedProvider:
    """A provider that gives its answers in turn, and remembers what came.

    An answer is an image, the id of what was begun, None while that cooks, a fault to raise, or what
    gives one of these. `calls` are those that are paid, `polls` those that ask for a result.
    """

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[Outgoing] = []
        self.polls: list[Outgoing] = []

    def call(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage:
        """Give the next answer, an image."""
        check()
        self.calls.append(outgoing)
        image: ProviderImage = self._answer()
        return image

    def start(self, outgoing: Outgoing, check: Callable[[], None]) -> str:
        """Give the next answer, an id."""
        check()
        self.calls.append(outgoing)
        provider_id: str = self._answer()
        return provider_id

    def result(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage | None:
        """Give the next answer, an image or None."""
        check()
        self.polls.append(outgoing)
        image: ProviderImage | None = self._answer()
        return image

    def balance(self, outgoing: Outgoing) -> int:
        """Give the next answer, thousandths of a credit."""
        self.polls.append(outgoing)
        credits: int = self._answer()
        return credits

    def _answer(self) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer


class FlakyStore:
    """A job store that is away for the first answers of some methods, before or after it acts."""

    def __init__(self, store: JobStore, acts_first: bool, **failures: int) -> None:
        self._store, self._acts_first, self._failures = store, acts_first, failures

    def fail_next(self, name: str, times: int) -> None:
        """Be away for the next answers of a method."""
        self._failures[name] = times

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        return self._flaky(name, real) if name in self._failures else real

    def _flaky(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **fields: Any) -> Any:
            if self._failures[name] > 0:
                self._failures[name] -= 1
                if self._acts_first:
                    real(*args, **fields)
                raise StoreUnavailable("away")
            return real(*args, **fields)

        return call
