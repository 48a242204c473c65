"""What can go wrong, as one tree of classes; each says when it is raised."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from client.models import Batch, Job


@dataclass(frozen=True, slots=True)
class Details:
    """What an answer tells of a fault; `retry_after` is in seconds."""

    status: int | None = None
    error_code: str | None = None
    errors: Sequence[Mapping[str, Any]] = ()
    request_id: str | None = None
    retry_after: float | None = None
    body: Mapping[str, Any] | None = None


class ClientError(Exception):
    """Anything that this client raises; the message is a sentence for a person.

    `idempotency_key` is that of the submission that failed: sent again with it, within 24 hours,
    nothing is paid twice.
    """

    # Whether the same request may go well in a while.
    temporary: ClassVar[bool] = False

    def __init__(self, message: str, details: Details | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details or Details()
        self.idempotency_key: str | None = None

    @property
    def status(self) -> int | None:
        """Return the HTTP status, None when there was no answer."""
        return self.details.status

    @property
    def error_code(self) -> str | None:
        """Return the service's stable code, as `queue_full`."""
        return self.details.error_code

    @property
    def errors(self) -> Sequence[Mapping[str, Any]]:
        """Return everything that is wrong with a refused request, each with `field` and `error`."""
        return self.details.errors

    @property
    def request_id(self) -> str | None:
        """Return the id under which the service logged the request."""
        return self.details.request_id

    @property
    def retry_after(self) -> float | None:
        """Return the seconds that the service asked to let pass."""
        return self.details.retry_after


class Unreachable(ClientError):
    """Nothing answered: no connection, a broken one, or not in time."""

    temporary = True


class Closed(ClientError):
    """The client was closed, maybe by another thread, and asks for nothing any more."""


class Refused(ClientError):
    """The service answered that it will not do this (any 4xx that has no class of its own)."""


class InvalidRequest(Refused):
    """A field is missing or wrong, or the body too large: `errors` names each (400, 413, 415)."""


class Unauthorized(Refused):
    """No client key was shown, or a wrong one (401)."""


class BudgetExceeded(Refused):
    """The credits of the day do not reach for this (402)."""


class Forbidden(Refused):
    """This caller may not do this (403)."""


class NotFound(Refused):
    """No such job, batch or image, or somebody else's (404)."""


class Conflict(Refused):
    """It can't be done with a job or batch as it is (409); `details.body` tells how it is."""


class Gone(Refused):
    """The image will never be there, or no longer (410)."""


class IdempotencyKeyReused(Refused):
    """The key was used for another request (422)."""


class LimitReached(Refused):
    """The queue is full, or this caller at its own limit (429), for longer than the client waits."""

    temporary = True


class ServiceFault(ClientError):
    """The service failed, or what answers is not this service (5xx, or no JSON)."""


class Unavailable(ServiceFault):
    """The service or its Redis is away for the moment (502, 503, 504)."""

    temporary = True


class JobFailed(ClientError):
    """There is no image: the job failed, was canceled, or its image is no longer kept."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.error or job.message, Details(error_code=job.error_code))
        self.job = job


class WaitTimeout(ClientError, TimeoutError):
    """The job or batch had not ended in the time given; it goes on. `thing` is how it stood."""

    def __init__(self, thing: Job | Batch | None, seconds: float) -> None:
        super().__init__(f"It has not ended in {seconds:g} seconds; it goes on at the service")
        self.thing = thing
