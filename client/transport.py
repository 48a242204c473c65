"""One request, tried again for as long as that may help; knows HTTP and nothing of jobs."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import InvalidSchema

from client.answers import fault_of
from client.errors import ClientError, Closed, ServiceFault, Unreachable

T = TypeVar("T")
OnTrouble = Callable[[ClientError, float], object]
CONNECT_SECONDS = 5.0
# For the answer to begin, and between two pieces of it, beyond what the service was asked to hold it.
READ_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 15.0
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_AGENT = "stability-ai-image-api-client/0.1.0"


class Transport:
    """Connections to one service, kept open; shows the key to no other host."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        patience: float,
        on_trouble: OnTrouble | None = None,
        host: str | None = None,
    ) -> None:
        try:
            self.base_url = checked_address(base_url)
        except ValueError as wrong:
            raise ValueError(f"The service's address {wrong}") from None
        self.patience = patience
        self._on_trouble = on_trouble
        if api_key and not (api_key.isascii() and api_key.isprintable()):
            raise ValueError("The client key must be one line of plain characters")
        self._key = _Key(api_key)
        self._closed = False
        self._session = requests.Session()
        self._session.headers["User-Agent"] = _AGENT
        # no proxy of the environment leads to this machine's own loopback
        self._session.trust_env = urlsplit(self.base_url).hostname not in _LOOPBACK
        for scheme in ("http://", "https://"):
            # what is repeated is decided here, and not by the adapter
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=32, max_retries=0))
        if host:
            self._session.mount(f"{self.base_url}/", _ByName(host))

    @property
    def has_key(self) -> bool:
        """Tell whether a client key is shown at all."""
        return self._key.is_there

    @property
    def shows_key_in_the_clear(self) -> bool:
        """Tell whether the client key travels to another machine for anybody between to read."""
        parts = urlsplit(self.base_url)
        return self._key.is_there and parts.scheme == "http" and parts.hostname not in _LOOPBACK

    def close(self) -> None:
        """Close every connection; what another thread still asks for ends at its next step."""
        self._closed = True
        self._session.close()

    def call(
        self,
        method: str,
        path: str,
        read: Callable[[requests.Response], T],
        **options: Any,
    ) -> T:
        """Return what `read` makes of the answer; raise ClientError.

        Every request of this client may be sent twice: those that pay carry an idempotency key. So
        whatever may pass is tried again, after the pause that the service asks for, within `patience`.
        """
        end = time.monotonic() + self.patience
        for pause in pauses():
            try:
                with self.once(method, path, **options) as response:
                    return read(response)
            except ClientError as error:
                wait = max(pause, error.retry_after or 0.0)
                if not error.temporary or time.monotonic() + wait > end:
                    raise
                self.sit_out(error, wait)
        raise AssertionError("the pauses have no end")

    def _check_open(self) -> None:
        if self._closed:
            raise Closed("This client was closed")

    def sit_out(self, error: ClientError, seconds: float) -> None:
        """Let some time pass after trouble that may pass, and tell who wants to know."""
        self._check_open()
        if self._on_trouble:
            self._on_trouble(error, seconds)
        time.sleep(seconds)

    @contextmanager
    def once(
        self,
        method: str,
        path: str,
        *,
        seconds: float = READ_SECONDS,
        anonymous: bool = False,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Iterator[requests.Response]:
        """Send a request once and give its good answer, read as it comes; raise ClientError."""
        self._check_open()
        try:
            with self._session.request(
                method,
                path if "://" in path else self.base_url + path,
                headers=headers,
                timeout=(CONNECT_SECONDS, seconds),
                stream=True,
                auth=_Key(None) if anonymous else self._key,
                # a POST that is sent on becomes a GET, and a key would travel; pictures have neither
                allow_redirects=anonymous,
                **options,
            ) as response:
                if fault := fault_of(response):
                    raise fault
                self._check_open()
                yield response
        except (requests.TooManyRedirects, requests.exceptions.InvalidURL, InvalidSchema) as error:
            raise ServiceFault(
                "The service sent this on to where nothing can be fetched"
            ) from error
        except requests.RequestException as error:
            self._check_open()
            raise Unreachable(_why(error, self.base_url)) from error


def pauses() -> Iterator[float]:
    """Yield growing pauses (s), without end, each a little different for each client."""
    pause = _FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.8, 1.2)
        pause = min(pause * 2, _LONGEST_PAUSE)


class _ByName(HTTPAdapter):
    """Asks for a host by another name than its address; what is sent on elsewhere does not keep it."""

    def __init__(self, host: str) -> None:
        super().__init__(pool_maxsize=32, max_retries=0)
        self._host = host

    def send(
        self, request: requests.PreparedRequest, *options: Any, **more: Any
    ) -> requests.Response:
        named = request.copy()  # a redirect is made of the original
        named.headers["Host"] = self._host
        return super().send(named, *options, **more)


class _Key(AuthBase):
    """Show the key; also without one this keeps `requests` from looking for one in ~/.netrc."""

    def __init__(self, api_key: str | None) -> None:
        self._api_key = api_key

    @property
    def is_there(self) -> bool:
        """Tell whether there is one."""
        return bool(self._api_key)

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._api_key:
            request.headers["Authorization"] = f"Bearer {self._api_key}"
        return request


def checked_address(base_url: str) -> str:
    """Return a service's address without a slash at its end; raise ValueError for what is none."""
    if "@" in base_url:
        # it is told in messages and written into folders, where no password may stand
        raise ValueError("must hold no user and no password: the client key is given apart")
    try:
        parts = urlsplit(base_url)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # brackets, or a port, that can't be
        whole = False
    if not whole or parts.query or parts.fragment:
        raise ValueError(f"must be like http://127.0.0.1:5000, not {base_url}")
    return base_url.rstrip("/")


def _why(error: requests.RequestException, base_url: str) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return f"The certificate of {base_url} can't be trusted"
    if isinstance(error, requests.ConnectTimeout):
        return f"{base_url} does not answer"
    if isinstance(error, requests.Timeout) or "Read timed out" in str(error):
        return f"{base_url} did not answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError) or "reset" in str(error):
        return f"The connection to {base_url} broke"
    return f"Nothing answers at {base_url}"
