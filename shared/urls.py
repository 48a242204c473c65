"""Read a URL that a caller named, so strictly that no two programs can read it differently."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

import idna

from shared.errors import OutboundFault

LONGEST = 8_000
_NO_URL = "not a valid http or https URL"
_PORTS = {"http": 80, "https": 443}
# Spaces and signs that can't be seen, the backslash that some take for a slash, half characters.
_UNFIT = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:@]+)(?::([0-9]{0,5}))?")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
_LONGEST_NAME = 253
# A name that ends so is meant as an IPv4 address, however it is written.
_NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads: `host` is a name in ASCII or a plain address, `path` has the query too."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """Return the URL in its plainest spelling, without a fragment."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def read_url(text: str) -> Target:
    """Return where an http or https URL leads; raise OutboundFault with what is wrong with it."""
    if len(text) > LONGEST:
        raise OutboundFault(f"longer than {LONGEST} characters")
    try:
        parts = None if _UNFIT.search(text) else urlsplit(text)
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in _PORTS:
        raise OutboundFault(_NO_URL)
    if "@" in parts.netloc:
        raise OutboundFault("a user name or password in the URL")
    place = _PLACE.fullmatch(parts.netloc)
    host = _host(place[1]) if place else None
    port = int((place and place[2]) or _PORTS[parts.scheme])
    if host is None or not 1 <= port <= 65_535:
        raise OutboundFault(_NO_URL)
    query = f"?{parts.query}" if parts.query else ""
    return Target(parts.scheme, host, port, (parts.path or "/") + query)


def _host(text: str) -> str | None:
    try:
        if text.startswith("["):
            return str(ipaddress.IPv6Address(text[1:-1]))
        name = text if text.isascii() else idna.encode(text, uts46=True).decode()
        name = name.lower().removesuffix(".")
        if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
            return None
        # also 127.1, 0x7f000001 and 2130706433 are addresses, for those who connect
        return socket.inet_ntoa(socket.inet_aton(name)) if _NUMBER_LAST.fullmatch(name) else name
    except (ValueError, OSError):
        return None
