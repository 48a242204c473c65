"""What callers are answered besides jobs and batches; the OpenAPI document is made from these too."""

from collections.abc import Mapping
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict  # pydantic reads no other before Python 3.12

from shared.operations import Kind
from shared.views import JobView


class ComplaintView(TypedDict):
    """One thing that is wrong with a request; `index` counts a batch's jobs from 0."""

    field: str
    error: str
    index: NotRequired[int]


class FaultView(TypedDict):
    """What went wrong; `errors` lists everything that is wrong with a refused request."""

    error: str
    error_code: str
    request_id: str
    errors: NotRequired[list[ComplaintView]]


class JobsPage(TypedDict):
    """Jobs, newest first."""

    jobs: list[JobView]
    next_cursor: str | None


class QueueView(TypedDict):
    """How long the queue is now, in jobs."""

    waiting: int
    running: int


class DryRunView(TypedDict):
    """What a request would cost: nothing was queued or charged; `requests` and `total` are a batch's."""

    dry_run: Literal[True]
    message: str
    kind: Kind
    metadata: Mapping[str, str]
    request: NotRequired[Mapping[str, Any]]
    total: NotRequired[int]
    requests: NotRequired[list[Mapping[str, Any]]]
    credits_estimate: float
    queue: QueueView


class PausedView(TypedDict):
    """Whether the operator has paused what is bought, since when and why; and what waits."""

    paused: bool
    paused_since: str | None
    reason: str | None
    queue: QueueView


class ErasedView(TypedDict):
    """A job of which nothing is kept any more."""

    job_id: str
    message: str


class AliveView(TypedDict):
    """The service answers; `version` is its release."""

    status: Literal["ok"]
    version: str


class ProviderView(TypedDict):
    """Who makes the pictures, what keeps jobs from being started, and for how long nobody calls it."""

    name: Literal["sandbox", "stability"]
    state: str
    paused_seconds: int


class ReadyView(TypedDict):
    """The service is able to work; each check says "ok"."""

    status: Literal["ok"]
    checks: dict[str, str]
    provider: ProviderView


class UnreadyView(FaultView):
    """Something is missing; each check says "ok" or what is wrong."""

    checks: dict[str, str]
    provider: ProviderView
