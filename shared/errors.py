"""The one vocabulary of faults: each class has a stable code and, for a provider's, its money rule.

The API maps `error_code` to an HTTP status in one place; a worker raises these and a job stores them.
Those of limits stand in `over_limit.py`.
"""

from typing import Any, ClassVar


class Fault(Exception):
    """Anything this service tells a caller has gone wrong; the message is a sentence for a person."""

    error_code: ClassVar[str] = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidRequest(Fault):
    """A field is missing or wrong; carries every fault found as {"field", "error"}.

    The faults of a batch's jobs have an "index" too, and then the message counts them.
    """

    error_code = "invalid_request"

    def __init__(self, errors: list[dict[str, Any]], message: str = "") -> None:
        super().__init__(message or errors[0]["error"])
        self.errors = errors


class Unauthorized(Fault):
    """Who calls is not known; `challenge` says, as `WWW-Authenticate`, how to tell."""

    error_code = "unauthorized"

    def __init__(self, message: str, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class Forbidden(Fault):
    """This caller may not do this."""

    error_code = "forbidden"


class NotFound(Fault):
    """No such job or image, or somebody else's."""

    error_code = "not_found"


class Gone(Fault):
    """The image of this address will never be there again."""

    error_code = "gone"


class NotReady(Fault):
    """The image of this address is still being made."""

    error_code = "not_ready"


class KeyReused(Fault):
    """An idempotency key came again with another request."""

    error_code = "idempotency_key_reused"


class PayloadTooLarge(Fault):
    """A file or a body is over its limit."""

    error_code = "payload_too_large"


class UnsupportedMediaType(Fault):
    """The body is of a kind this route does not read."""

    error_code = "unsupported_media_type"


class Conflict(Fault):
    """This can't be done with a job or a batch as it stands."""

    error_code = "conflict"


class StoreUnavailable(Fault):
    """Redis does not answer."""

    error_code = "unavailable"


class StorageUnavailable(Fault):
    """What keeps the images does not answer: an upload was not kept, an image can't be read."""

    error_code = "unavailable"


class Busy(Fault):
    """This process has as many bodies under way as it can hold."""

    error_code = "unavailable"


class BrokenImage(Fault):
    """Bytes are no PNG, JPEG or WebP, or are cut short."""

    error_code = "broken_image"


class OutboundFault(Fault):
    """An address that a caller named can't be used or reached; the message is a short reason."""

    error_code = "outbound_failed"


class AnswerTooLarge(OutboundFault):
    """What an address sends is over its limit."""


class JobFault(Fault):
    """A fault that a job can end with; `charged` is whether the provider took its credits."""

    charged: ClassVar[bool] = False


class StorageError(JobFault):
    """The image was made (and charged) and could not be written."""

    error_code = "storage_error"
    charged = True


class UnreadableInput(JobFault):
    """The pixels of an uploaded image turned out to be damaged, before anything was sent.

    For its caller this is what the provider would have found, so it has the same code.
    """

    error_code = "provider_rejected"


class DeadlinePassed(JobFault):
    """The job had not started by its deadline."""

    error_code = "deadline_passed"


class ProviderFault(JobFault):
    """The provider answered, or failed to, in a way that is final."""

    error_code = "provider_error"


class InputModerated(ProviderFault):
    """Prompt or image was refused before generation; free."""

    error_code = "input_moderated"


class OutputModerated(ProviderFault):
    """The provider blurred its result (a 200 with CONTENT_FILTERED); assumed charged."""

    error_code = "output_moderated"
    charged = True


class ProviderRejected(ProviderFault):
    """The provider found the request invalid."""

    error_code = "provider_rejected"


class ProviderAuth(ProviderFault):
    """The provider refused this service's key."""

    error_code = "provider_auth"


class ProviderCredits(ProviderFault):
    """The provider account has too few credits."""

    error_code = "provider_credits"


class ProviderBadImage(ProviderFault):
    """A 200 whose body is no whole image; charged, so not repeated."""

    error_code = "provider_bad_image"
    charged = True


class ResultLost(ProviderFault):
    """The provider began an image, which counts as charged, and gives it out no more."""

    charged = True


class Retryable(ProviderFault):
    """The base of what may be called again, each class by its own money rule."""


class ServerError(Retryable):
    """The provider surely failed and surely did not charge (500): again within `MAX_ATTEMPTS`."""


class ProviderUnavailable(Retryable):
    """The call surely never ran (connect error, 503): again without counting as an attempt."""

    error_code = "provider_unavailable"


class RateLimited(ProviderUnavailable):
    """429: the key is locked out; everybody pauses for `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class OutcomeUnknown(Retryable):
    """The call may have been charged (broken off, 502, 504): again by `RETRY_UNKNOWN_OUTCOME`."""

    error_code = "outcome_unknown"


class DefectAfterCall(OutcomeUnknown):
    """A defect of ours met a job whose call was sent and may have been charged; not repeated."""

    error_code = "internal"


class ProviderTimeout(OutcomeUnknown):
    """The provider did not answer in `PROVIDER_TIMEOUT_SECONDS`; the outcome is as unknown."""

    error_code = "provider_timeout"
