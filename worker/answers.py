"""Every answer of the provider, and every call that got none: counted, and one line in the log."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from shared.errors import (
    ProviderBadImage,
    ProviderFault,
    ProviderTimeout,
    ProviderUnavailable,
)
from shared.tally import Tally

_log = logging.getLogger(__name__)
CONNECT_ERROR = "connect_error"
# Why a call got no answer, by the fault of its transport: the first that fits.
_CAUSES: tuple[tuple[type[ProviderFault], str], ...] = (
    (ProviderUnavailable, CONNECT_ERROR),
    (ProviderTimeout, "timeout"),
    (ProviderBadImage, "too_large"),
    (ProviderFault, "cut"),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one HTTP call to the provider met: a status code, or why there is none.

    `operation` is that of the table, or "result" or "balance". `request_id` is the provider's own.
    """

    operation: str
    code: str
    ms: int
    request_id: str | None = None


Note = Callable[[Heard], None]


def cause(fault: ProviderFault) -> str:
    """Return why a call got no answer, as a code: connect_error, timeout, too_large, cut."""
    return next(code for kind, code in _CAUSES if isinstance(fault, kind))


def noting(tally: Tally, hear: Callable[[str], None] = lambda _: None) -> Note:
    """Return what counts and logs an answer; `hear` is told its code."""

    def note(heard: Heard) -> None:
        hear(heard.code)
        tally.add("provider_answers", heard.operation, heard.code)
        facts = {"operation": heard.operation, "code": heard.code, "ms": heard.ms}
        if heard.code.isdigit():
            facts["provider_request_id"] = heard.request_id or ""
            _log.info("the provider answered", extra=facts)
        else:
            _log.warning("the provider did not answer", extra=facts)

    return note
