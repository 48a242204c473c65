"""Calls of a bucket (S3, Google Cloud Storage, Azure): each is over in time, and fails in few ways."""

import errno
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url

from shared.image_store import StorageAway

T = TypeVar("T")
How = Literal["new", "probe", "overwrite"]
# So many calls in a row without an answer, and one goes out each second; the others fail at once.
_FAILURES = 3
_PAUSE_SECONDS = 1.0
_LISTED_AT_ONCE = 1_000
# A piece or a question; a whole upload. A call that fails may be tried again within the first number.
_QUICK = (1, timedelta(seconds=2), "4s")
_WHOLE = (2, timedelta(seconds=5), "30s")
# What the library says, and what of it may be told: its own words hold names of pictures.
_REASONS = {
    "credential": "no credentials",
    "169.254.169.254": "no credentials",
    "region": "wrong region",
}


class Aside(Protocol):
    """Runs a call that blocks its thread, and returns what it returns."""

    def __call__(self, call: Callable[[], T], /) -> T:
        """Run it."""
        ...


def here(call: Callable[[], T]) -> T:
    """Run a call in this thread, where nobody else waits for it."""
    return call()


class Facts(NamedTuple):
    """An object's size in bytes, when it was written (seconds since 1970), and its version's tag."""

    size: int
    modified: float
    tag: str | None


class Client:
    """The objects under an address, as s3://bucket/prefix.

    Every call raises FileNotFoundError or StorageAway: within 6 seconds, a write within 35. To be made
    after a fork, since the library has threads of its own. `options` are the library's settings by the
    names of its environment variables, which it reads as well.
    """

    def __init__(self, url: str, options: Mapping[str, str], *, http: bool, aside: Aside) -> None:
        self._quick = _store(url, options, _QUICK, http=http)
        self._whole = _store(url, options, _WHOLE, http=http)
        self._aside = aside
        self._outage = _Outage()

    def facts(self, path: str) -> Facts:
        """Look at an object."""
        meta = self._call(partial(obstore.head, self._quick, path))
        return Facts(meta["size"], meta["last_modified"].timestamp(), meta["e_tag"])

    def read(self, path: str, start: int, end: int, tag: str | None) -> bytes:
        """Return some of an object's bytes, if it still is the one with this tag."""

        def get() -> bytes:
            found = obstore.get(self._quick, path, options={"range": (start, end), "if_match": tag})
            return bytes(found.bytes())

        try:
            return self._call(get)
        except PreconditionError:
            raise FileNotFoundError(errno.ENOENT, "another is there now") from None

    def write(self, path: str, data: bytes, kind: str, how: How = "new") -> bool:
        """Write an object whole, or return False: one that is `new` replaces none; a `probe` is quick.

        After a StorageAway it may be there all the same.
        """
        store = self._whole if how == "new" else self._quick
        mode: Literal["create", "overwrite"] = "overwrite" if how == "overwrite" else "create"
        attributes = {"Content-Type": kind}
        put = partial(
            obstore.put,
            store,
            path,
            data,
            attributes=attributes,
            use_multipart=False,
            mode=mode,
        )
        try:
            self._call(put)
        except AlreadyExistsError:
            return False
        except FileNotFoundError:
            raise StorageAway(errno.ENOENT, "there is no such bucket") from None
        return True

    def delete(self, path: str) -> None:
        """Remove an object; that it is not there is no fault."""
        try:
            self._call(partial(obstore.delete, self._quick, path))
        except FileNotFoundError:
            return

    def listing(self, folder: str) -> Iterator[tuple[str, float]]:
        """Yield what lies in a folder: its name, and when it was written (seconds since 1970)."""
        pages = iter(obstore.list(self._quick, prefix=folder, chunk_size=_LISTED_AT_ONCE))
        while page := self._call(partial(next, pages, None)):
            for meta in page:
                yield meta["path"].removeprefix(f"{folder}/"), meta["last_modified"].timestamp()

    def sign(self, path: str, seconds: int) -> str:
        """Return an address at which whoever has it may read an object for so long."""
        lives = timedelta(seconds=seconds)
        return self._call(partial(obstore.sign, self._quick, "GET", path, lives))

    def _call(self, call: Callable[[], T]) -> T:
        self._outage.check()
        try:
            result = self._aside(call)
        except (FileNotFoundError, AlreadyExistsError, PreconditionError):
            self._outage.answered()
            raise
        except (PermissionDeniedError, UnauthenticatedError):
            self._outage.answered()
            raise StorageAway(errno.EACCES, "access denied") from None
        except BaseError as error:
            self._outage.failed()
            raise StorageAway(errno.EIO, _reason(str(error))) from None
        self._outage.answered()
        return result


class _Outage:
    """Whether the bucket answers at all: who waits for nothing keeps others waiting."""

    def __init__(self) -> None:
        self._failures = 0
        self._next = 0.0

    def check(self) -> None:
        """Raise StorageAway when a call would only wait, once for each that is let through."""
        if self._failures < _FAILURES:
            return
        if time.monotonic() < self._next:
            raise StorageAway(errno.EIO, "does not answer")
        self._next = time.monotonic() + _PAUSE_SECONDS

    def answered(self) -> None:
        self._failures = 0

    def failed(self) -> None:
        self._failures += 1
        self._next = time.monotonic() + _PAUSE_SECONDS


def _store(
    url: str, options: Mapping[str, str], limits: tuple[int, timedelta, str], *, http: bool
) -> Any:
    retries, retry_for, timeout = limits
    return from_url(
        url,
        config=dict(options),  # type: ignore[call-overload]  # which provider's, the URL decides
        client_options={"allow_http": http, "connect_timeout": "2s", "timeout": timeout},
        retry_config={"max_retries": retries, "retry_timeout": retry_for},
    )


def _reason(words: str) -> str:
    lower = words.lower()
    return next((told for sign, told in _REASONS.items() if sign in lower), "does not answer")
