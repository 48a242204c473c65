"""The provider's client: knows only HTTP. It does not retry, pause, or know of jobs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError, ReadTimeoutError

from shared.errors import (
    OutcomeUnknown,
    ProviderBadImage,
    ProviderFault,
    ProviderTimeout,
    ProviderUnavailable,
)
from worker.answers import Heard, Note, cause
from worker.arrivals import Arrivals
from worker.connections import Passage, provider_session
from worker.wire import Outgoing, ProviderImage, read_answer, read_balance, read_result, read_start

CONNECT_SECONDS = 5.0
# The largest answer seen is a 16 megapixel PNG of some 40 MB; a body without end must not fill memory.
MOST_BYTES = 128 * 1024 * 1024
_CHUNK = 256 * 1024
Answer = tuple[int, CaseInsensitiveDict[str], bytes]


class Stability:
    """Make one call at a time, any number of them side by side; `note` hears what each met.

    Raises ProviderFault, what a given `check` raises, and no other. The check runs when the connection
    stands, just before the request is sent.
    """

    def __init__(
        self,
        base_url: str,
        timeout_seconds: float,
        note: Note | None = None,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._base_url = base_url
        self._arrivals = arrivals or Arrivals()
        self._timeout = timeout_seconds
        self._note = note

    def call(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage:
        """Send a request and return its image."""
        return read_answer(*self._send("POST", outgoing, check))

    def start(self, outgoing: Outgoing, check: Callable[[], None]) -> str:
        """Send a request that has an image begun; return the id by which to ask for it."""
        return read_start(*self._send("POST", outgoing, check))

    def result(self, outgoing: Outgoing, check: Callable[[], None]) -> ProviderImage | None:
        """Ask for an image that was begun; return None while it cooks."""
        return read_result(*self._send("GET", outgoing, check))

    def balance(self, outgoing: Outgoing) -> int:
        """Ask for the account's balance, in thousandths of a credit."""
        return read_balance(*self._send("GET", outgoing))

    def _send(
        self, method: str, outgoing: Outgoing, check: Callable[[], None] = lambda: None
    ) -> Answer:
        """Return what comes back, and have it noted."""
        begun = time.monotonic()
        try:
            status, headers, body = self._exchange(method, outgoing, check)
        except ProviderFault as fault:
            self._tell(outgoing, cause(fault), begun)
            raise
        self._tell(outgoing, str(status), begun, headers.get("x-request-id"))
        return status, headers, body

    def _tell(
        self, outgoing: Outgoing, code: str, begun: float, request_id: str | None = None
    ) -> None:
        if self._note:
            ms = round((time.monotonic() - begun) * 1000)
            self._note(Heard(outgoing.operation, code, ms, request_id))

    def _exchange(self, method: str, outgoing: Outgoing, check: Callable[[], None]) -> Answer:
        """Return what comes back; it is there within the time-out, or never."""
        passage = Passage(check, self._timeout, self._arrivals)
        with (
            _transport(passage),
            provider_session(passage) as session,
            session.request(
                method,
                self._base_url + outgoing.path,
                files=outgoing.parts,
                headers=outgoing.headers,
                timeout=(CONNECT_SECONDS, self._timeout),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            body = _body(response, passage)
        return response.status_code, CaseInsensitiveDict(response.headers), body


def _body(response: requests.Response, passage: Passage) -> bytes:
    if response.status_code in {200, 202}:
        return _read(response, passage)
    # the status alone says what a refusal costs: a broken body behind it changes nothing
    with suppress(HTTPError, OSError, ProviderTimeout, ProviderBadImage):
        return _read(response, passage)
    return b""


def _read(response: requests.Response, passage: Passage) -> bytes:
    body = bytearray()
    # read1 gives what has come, so that a body that drips meets the deadline too
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES:
            raise ProviderBadImage("The provider's answer is larger than any image")
    # A body to the end of the connection ends where it is cut. Any other is whole, and paid for: this
    # process may have been frozen while it came.
    if passage.over and response.raw.length_remaining is None and not response.raw.chunked:
        raise ProviderTimeout(_TIMED_OUT)
    return bytes(body)


_TIMED_OUT = "The provider took too long to answer; whether the call was charged is unknown"
_BROKEN_OFF = "The connection to the provider broke; whether the call was charged is unknown"
_NOT_REACHED = "The provider can't be reached"


@contextmanager
def _transport(passage: Passage) -> Iterator[None]:
    """Turn trouble on the way into faults, by whether the call can have reached the provider."""
    try:
        yield
    except (requests.RequestException, HTTPError, OSError) as error:
        if not passage.connected:
            raise ProviderUnavailable(_NOT_REACHED) from error
        if passage.over or isinstance(error, (requests.ReadTimeout, ReadTimeoutError)):
            raise ProviderTimeout(_TIMED_OUT) from error
        raise OutcomeUnknown(_BROKEN_OFF) from error
