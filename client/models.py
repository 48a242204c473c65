"""What the service tells, as frozen values; what a newer service tells besides stays in `raw`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import UnionType
from typing import Any, TypeVar, get_origin

TERMINAL = frozenset({"succeeded", "failed", "canceled", "partial"})
T = TypeVar("T", bound="_Told")


@dataclass(frozen=True, kw_only=True)
class _Told:
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls: type[T], body: Mapping[str, Any]) -> T:
        """Return the value of a body; fields that are not known here are left in `raw`.

        Raises TypeError or ValueError for what is none of this service's.
        """
        if not isinstance(body, Mapping):
            raise TypeError("what is told is no object")
        kinds = {each.name: each.type for each in fields(cls) if each.name in body}
        told = {name: body[name] for name, kind in kinds.items() if name != "raw"}
        for name in [name for name, value in told.items() if not _fits(value, kinds[name])]:
            if told.pop(name) is not None:  # what is not told is as if it were left out
                raise ValueError(f"{name} is of another kind")
        return cls(raw=body, **told)


def _fits(value: object, kind: Any) -> bool:
    origin = get_origin(kind)
    kind = kind if origin in (None, UnionType) else origin
    return isinstance(value, kind) or (isinstance(value, int) and isinstance(0.0, kind))


@dataclass(frozen=True, kw_only=True)
class Image(_Told):
    """A finished image; sides in pixels."""

    format: str = ""
    width: int = 0
    height: int = 0
    bytes: int = 0
    seed: int | None = None


@dataclass(frozen=True, kw_only=True)
class Job(_Told):
    """A job as of a revision; moments are RFC 3339 texts in UTC, timings in ms."""

    job_id: str
    status: str
    kind: str = ""
    revision: int = 0
    message: str = ""
    image_url: str | None = None
    expires_at: str | None = None
    image: Image | None = None
    request: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    queue_position: int | None = None
    eta_seconds: int | None = None
    poll_after_seconds: int | None = None
    credits: float | None = None
    credits_estimate: float | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    timings: Mapping[str, int | None] = field(default_factory=dict)
    batch_id: str | None = None
    retry_of: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    error_code: str | None = None
    provider_request_id: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Job":
        """Return the job of a body."""
        image = body.get("image")
        told = super().of({**body, "image": Image.of(image) if image else None})
        object.__setattr__(told, "raw", body)
        return told

    @property
    def path(self) -> str:
        """Return where the job is read."""
        return f"/jobs/{self.job_id}"

    @property
    def terminal(self) -> bool:
        """Tell whether it has ended."""
        return self.status in TERMINAL

    @property
    def succeeded(self) -> bool:
        """Tell whether it has ended well."""
        return self.status == "succeeded"


@dataclass(frozen=True, kw_only=True)
class BatchJob(_Told):
    """A job as its batch tells of it."""

    job_id: str
    status: str
    image_url: str | None = None
    error: str | None = None
    error_code: str | None = None

    @property
    def terminal(self) -> bool:
        """Tell whether it has ended."""
        return self.status in TERMINAL


@dataclass(frozen=True, kw_only=True)
class Batch(_Told):
    """A batch as of a revision; its jobs are in the order in which they were submitted."""

    batch_id: str
    status: str
    revision: int = 0
    message: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    progress: float = 0.0
    jobs: tuple[BatchJob, ...] = ()
    poll_after_seconds: int | None = None
    credits: float | None = None
    credits_estimate: float | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: str | None = None
    finished_at: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Batch":
        """Return the batch of a body."""
        told = super().of({**body, "jobs": tuple(map(BatchJob.of, body.get("jobs") or ()))})
        object.__setattr__(told, "raw", body)
        return told

    @property
    def path(self) -> str:
        """Return where the batch is read."""
        return f"/batches/{self.batch_id}"

    @property
    def terminal(self) -> bool:
        """Tell whether all of its jobs have ended."""
        return self.status in TERMINAL


@dataclass(frozen=True, kw_only=True)
class Page(_Told):
    """Jobs, newest first, and what leads to the next page, None at the end."""

    jobs: tuple[Job, ...] = ()
    next_cursor: str | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "Page":
        """Return the page of a body."""
        return super().of({**body, "jobs": tuple(map(Job.of, body.get("jobs") or ()))})


@dataclass(frozen=True, kw_only=True)
class Price(_Told):
    """What a request would cost in credits, how it was understood, and the queue as it is now."""

    credits_estimate: float
    request: Mapping[str, Any] = field(default_factory=dict)
    total: int = 1
    queue: Mapping[str, int] = field(default_factory=dict)
