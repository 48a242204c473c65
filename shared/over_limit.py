"""The faults of who asks for more than a limit allows: part of the vocabulary of `errors.py`."""

from math import ceil
from typing import ClassVar

from shared.errors import Fault


class OverLimit(Fault):
    """As much is held as a limit allows; `policy` names it, `quota` is what it allows.

    `left` is what may still be taken; `window` is for how long a limit counts that begins anew, and
    `seconds` until when; 0 for others.
    """

    policy: ClassVar[str]
    window: ClassVar[int] = 0
    left: int = 0
    seconds: int = 0

    def __init__(self, message: str, quota: int) -> None:
        super().__init__(message)
        self.quota = quota


class QueueFull(OverLimit):
    """As many jobs wait as `QUEUE_MAX_JOBS` allows; so many may still come."""

    error_code = "queue_full"
    policy = "queued-jobs"
    _told: ClassVar[str] = "The queue is full; try again later"

    def __init__(self, quota: int, left: int = 0) -> None:
        super().__init__(self._told.format(left=left, quota=quota), quota)
        self.left = left


class KeyQueueFull(QueueFull):
    """As many jobs of a key wait as its own limit allows."""

    error_code = "key_queue_full"
    policy = "key-queued-jobs"
    _told = (
        "This caller may have {quota} jobs waiting, and has room for {left} more; try again later"
    )


class TooManyRequests(OverLimit):
    """A key has sent as many requests within a minute as it may."""

    error_code = "too_many_requests"
    policy = "requests-per-minute"
    window = 60

    def __init__(self, quota: int, ms: int) -> None:
        self.seconds = ceil(ms / 1000)
        super().__init__(
            f"This caller may send {quota} requests a minute; try again in {self.seconds} s", quota
        )


class TooManyStreams(OverLimit):
    """This process holds as many waiting callers as `MAX_WAITERS` allows."""

    error_code = "too_many_streams"
    policy = "waiting-callers"


class BudgetExceeded(OverLimit):
    """A day's jobs may not cost so much; in thousandths of a credit, and ms until the next day."""

    error_code = "budget_exceeded"
    policy = "credits-per-day"
    window = 86_400
    _spender: ClassVar[str] = "service"

    def __init__(self, budget: int, left: int, needed: int, next_day_ms: int) -> None:
        super().__init__(
            f"This would cost {needed / 1000:g} credits, and {left / 1000:g} of the {budget / 1000:g}"
            f" that this {self._spender} may spend a day are left; the next day begins at 00:00 UTC",
            budget // 1000,
        )
        self.left, self.seconds = left // 1000, ceil(next_day_ms / 1000)


class KeyBudgetExceeded(BudgetExceeded):
    """A day's jobs of one key may not cost so much."""

    policy = "key-credits-per-day"
    _spender = "caller"
