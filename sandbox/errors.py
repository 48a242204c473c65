"""Speak the provider's refusals: names, statuses and both shapes of error body."""

from http import HTTPStatus

REFUSALS: dict[str, tuple[int, str]] = {
    "bad_request": (400, "body: invalid"),
    "unauthorized": (401, "authorization: invalid or missing header value"),
    "payment_required": (
        402,
        "You lack sufficient credits to make this request. Please purchase more credits.",
    ),
    "content_moderation": (
        403,
        "Your request was flagged by our content moderation system, and was not charged.",
    ),
    "not_found": (404, "path: not found"),
    "generation_not_found": (404, "id: the generation does not exist or has expired"),
    "payload_too_large": (413, "body: payload cannot be larger than 10MiB in size"),
    "invalid_language": (422, "English is the only supported language for this service."),
    "public_figure": (422, "prompt: the likeness of a public figure cannot be processed"),
    "rate_limit_exceeded": (
        429,
        "You have exceeded the rate limit of 150 requests within 10 seconds.",
    ),
    "internal_error": (500, "An unexpected server error has occurred, please try again later."),
}

_NAMES = {status: name for name, (status, _) in reversed(REFUSALS.items())}


class ControlError(Exception):
    """Say what is wrong with an order given to the sandbox itself."""


class ProviderError(Exception):
    """Say how the provider refuses a call; `html` is a gateway's page in place of its own body."""

    def __init__(
        self,
        name: str,
        *errors: str,
        status: int | None = None,
        html: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """Take a name of `REFUSALS`, or any name together with its status and errors."""
        self.name = name
        self.status = status if status is not None else REFUSALS[name][0]
        self.errors = list(errors) or [REFUSALS[name][1]]
        self.html = html
        self.retry_after = retry_after
        super().__init__(f"{self.status} {name}: {self.errors}")


def error_of(status: int, *, html: bool = False) -> ProviderError:
    """Build the refusal that belongs to a bare status, documented or not."""
    if status in _NAMES:
        return ProviderError(_NAMES[status], html=html)
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown Error"
    return ProviderError(phrase.lower().replace(" ", "_"), phrase, status=status, html=html)


def body_v2(error: ProviderError, request_id: str) -> dict[str, object]:
    """Build the v2beta body; a 429 carries its own name where others carry an id."""
    error_id = error.name if error.status == 429 else request_id
    return {"id": error_id, "name": error.name, "errors": error.errors}


def body_v1(error: ProviderError, request_id: str) -> dict[str, object]:
    """Build the v1 body: one message, no list."""
    return {"id": request_id, "name": error.name, "message": "; ".join(error.errors)}


def gateway_page(status: int) -> str:
    """Build the page that a gateway in front of the provider would show."""
    try:
        title = f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        title = f"{status}"
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>cloudflare</center>\r\n"
        "</body>\r\n</html>\r\n"
    )
