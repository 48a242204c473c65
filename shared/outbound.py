"""The guard of every request to an address that a caller named: what it may reach, and for how long.

The name is looked up once, each of its addresses is checked, and the connection goes to one of those:
no second answer of a name server can lead it elsewhere. Certificate and `Host` keep to the name.
"""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from shared.addresses import Resolve, is_address, is_public, look_up, system_resolve
from shared.errors import AnswerTooLarge, OutboundFault
from shared.line import Line
from shared.ports import is_for_web
from shared.urls import Target, read_url

SECONDS = 10.0
LOOK_UP_SECONDS = 2.0
_CHUNK = 64 * 1024
_OWN_HEADERS = {
    "User-Agent": "stability-ai-image-api",
    # few bytes can hide gigabytes, and pictures are compressed by themselves
    "Accept-Encoding": "identity",
    "Connection": "close",
}


def check_written(url: str, allow_private: bool) -> Target:
    """Return where a URL leads as far as it says so itself; raise OutboundFault."""
    target = read_url(url)
    if is_address(target.host):
        _check([target.host], allow_private)
    if not allow_private and not is_for_web(target.port):
        raise OutboundFault(f"port {target.port} is not one of the web")
    return target


def check_url(url: str, allow_private: bool, resolve: Resolve = system_resolve) -> None:
    """Raise OutboundFault when a URL can't be used, or leads to a private address by now.

    A name that nobody knows, or that takes longer than two seconds, passes: it is looked at again
    when it is called.
    """
    target = check_written(url, allow_private)
    if allow_private:
        return
    try:
        addresses = look_up(target.host, resolve, LOOK_UP_SECONDS)
    except OSError:
        return
    _check(addresses, allow_private)


def _check(addresses: Sequence[str], allow_private: bool) -> None:
    if not allow_private and not all(is_public(address) for address in addresses):
        raise OutboundFault("address is private")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What an address gave: bytes as they came, and what it said they are."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Outbound:
    """Make one request at a time, any number side by side; raises OutboundFault and no other.

    No redirect is followed, no proxy and no `.netrc` is used. `seconds` bound all of a request, from
    the look-up to the last byte; `verify` is as in requests.
    """

    allow_private: bool
    seconds: float = SECONDS
    most_bytes: int = 10 * 1024 * 1024
    resolve: Resolve = system_resolve
    verify: bool | str = True

    def get(self, url: str) -> Fetched:
        """Return what an address has; raise AnswerTooLarge beyond `most_bytes`."""
        with self._answer("GET", url, b"", {"Accept": "image/*"}) as (answer, line):
            if answer.status_code in range(300, 400):
                raise OutboundFault(f"it answered {answer.status_code}: redirects are not followed")
            if answer.status_code != 200:
                raise OutboundFault(f"it answered {answer.status_code}")
            data = _read(answer, line, self.most_bytes)
            return Fetched(data, answer.headers.get("Content-Type", ""))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body and return the status of the answer, which is not read any further."""
        with self._answer("POST", url, body, headers) as (answer, _):
            return answer.status_code

    @contextmanager
    def _answer(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str]
    ) -> Iterator[tuple[requests.Response, Line]]:
        target = check_written(url, self.allow_private)
        with Line(self.seconds) as line, _faults(line):
            asked = requests.Request(
                method, target.url, headers={**_OWN_HEADERS, **headers}, data=body
            )
            adapter = _Adapter(partial(self._connect, line))
            # by the adapter alone: a session reads the whole body of a redirect, though it is
            # told to follow none
            answer = adapter.send(
                asked.prepare(),
                stream=True,
                timeout=(self.seconds, self.seconds),
                verify=self.verify,
            )
            try:
                line.check()  # a connection that was cut looks like an answer that ended
                yield answer, line
            finally:
                answer.close()
                adapter.close()

    def _connect(self, line: Line, host: str, port: int, options: Any) -> Any:
        try:
            addresses = look_up(host, self.resolve, line.left())
        except TimeoutError:
            raise line.timed_out() from None
        except OSError as error:
            raise OutboundFault("name not found") from error
        _check(addresses, self.allow_private)
        return line.connect(addresses, port, options)


def _read(answer: requests.Response, line: Line, most: int) -> bytes:
    if answer.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise OutboundFault("its answer is compressed")
    body = bytearray()
    too_large = AnswerTooLarge(f"larger than {most} bytes")
    if (answer.raw.length_remaining or 0) > most:
        raise too_large
    # read1 gives what has come, so that a body that drips is not waited for
    while chunk := answer.raw.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > most:
            raise too_large
        line.check()
    line.check()
    return bytes(body)


@contextmanager
def _faults(line: Line) -> Iterator[None]:
    """Turn trouble on the way into a short reason."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        line.check()
        raise OutboundFault(_reason(error)) from error


def _reason(error: BaseException | None) -> str:
    reason = "connection broken off"
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return "certificate not valid"
        if isinstance(error, ssl.SSLError):
            reason = "no secure connection"
        error = error.__cause__ or error.__context__
    return reason


class _Connection(HTTPConnection):
    def __init__(self, *args: Any, way: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._way = way

    def _new_conn(self) -> Any:
        return self._way(self.host, self.port, self.socket_options)


class _SecureConnection(HTTPSConnection):
    def __init__(self, *args: Any, way: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._way = way

    def _new_conn(self) -> Any:
        return self._way(self.host, self.port, self.socket_options)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    """Requests' way to urllib3, with connections that go the way they are given."""

    def __init__(self, way: Any) -> None:
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = {
            "http": partial(_Pool, way=way),
            "https": partial(_SecurePool, way=way),
        }
