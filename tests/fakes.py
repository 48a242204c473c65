"""Stand-ins with the same shape as the real things."""

from collections.abc import Callable

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
    """A provider that gives its answers in turn (an image, or a fault to raise), and counts calls."""

    def __init__(self, *answers: ProviderImage | Exception | Callable[[], ProviderImage]) -> None:
        self.answers = list(answers)
        self.calls: list[Outgoing] = []

    def call(self, outgoing: Outgoing) -> ProviderImage:
        """Give the next answer."""
        self.calls.append(outgoing)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, ProviderImage) else answer()
