"""What becomes of a webhook: one for each job or batch that was submitted with an address to call."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from shared.batches import Batch
from shared.jobs import Job

# "waiting": for the end of its job, for its next try, or for the answer to the one that is under way.
DeliveryStatus = Literal["none", "waiting", "delivered", "failed"]


@dataclass(frozen=True, slots=True)
class Try:
    """One call of a receiver: when it began (ms, by the worker), how it ended, how long it took."""

    at: int
    status_code: int | None
    error: str | None
    duration_ms: int

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None

    @property
    def record(self) -> dict[str, Any]:
        """Return what the store keeps."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A webhook that somebody is about to send, under a claim; `failures` were before."""

    kind: Literal["job", "batch"]
    id: str
    claim: str
    failures: int

    @property
    def subject(self) -> str:
        """How the outbox calls it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Deliveries:
    """How a webhook stands: when its next try is due (ms), and its tries, the oldest first."""

    status: DeliveryStatus = "none"
    next_try: int | None = None
    tries: tuple[Try, ...] = ()


def subject_of(thing: Job | Batch) -> str:
    """Return how the outbox calls a job or a batch."""
    return f"{'batch' if isinstance(thing, Batch) else 'job'}:{thing.id}"


def webhook_id(thing: Job | Batch) -> str:
    """Return what tells a receiver that two calls tell of the same end."""
    return f"msg_{thing.id}"
