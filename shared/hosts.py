"""Names of hosts: how settings list them, how requests name them, which of them are this machine."""

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache

_NAME = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_HOST = rf"(?:\[(?P<v6>[0-9a-f:.]+)\]|(?P<name>{_NAME}(?:\.{_NAME})*)\.?)"
_AUTHORITY = re.compile(rf"{_HOST}(?::(?P<port>\d{{1,5}}))?", re.ASCII | re.IGNORECASE)
_ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)", re.ASCII | re.IGNORECASE)
_LONGEST_NAME = 253
# Every request names a host, and nearly all of them one of a few.
_KNOWN = 64


@dataclass(frozen=True, slots=True)
class Authority:
    """A host in lower case, without brackets or the dot of the root, and its port if one was named."""

    host: str
    port: int | None = None


@lru_cache(_KNOWN)
def read_authority(text: str) -> Authority | None:
    """Return what a `Host` header names, or None when it names no host as the standard writes one."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    host = (match["v6"] or match["name"]).lower()
    port = int(match["port"]) if match["port"] else None
    if len(host) > _LONGEST_NAME or (port or 0) > 65_535 or (match["v6"] and not _is_ip(host)):
        return None
    return Authority(host, port)


def read_origin(text: str) -> tuple[str, Authority] | None:
    """Return the scheme and the authority of an `Origin`, with its port; None for any other text."""
    match = _ORIGIN.fullmatch(text)
    authority = read_authority(match[2]) if match else None
    if match is None or authority is None:
        return None
    scheme = match[1].lower()
    port = authority.port or (443 if scheme == "https" else 80)
    return scheme, Authority(authority.host, port)


def origin_of(url: str) -> tuple[str, Authority] | None:
    """Return the origin of an http(s) URL, None when it has none."""
    return read_origin("/".join(url.split("/", 3)[:3]))


@lru_cache(_KNOWN)
def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server that listens on this host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_address(host: str) -> bool:
    """Tell whether a host is an address and not a name, and one that names a machine."""
    return _is_ip(host) and not ipaddress.ip_address(host).is_unspecified


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def parse_list(value: object) -> object:
    """Return the parts of a setting that lists several things between commas."""
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def check_hosts(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return hosts as they are compared; raise ValueError."""
    return tuple(_host(text) for text in value)


def _host(text: str) -> str:
    # an IPv6 address may come without its brackets: there is no port it could be mixed up with
    found = read_authority(f"[{text}]" if _is_ip(text) and ":" in text else text)
    if found is None or found.port is not None:
        raise ValueError(
            "must be hosts without scheme or port, as images.example.com,192.168.1.5;"
            f" {text!r} is not"
        )
    return found.host


def check_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Return origins as browsers write them; raise ValueError."""
    return tuple(_origin(text) for text in value)


def _origin(text: str) -> str:
    found = read_origin(text)
    if found is None:
        raise ValueError(
            "must be origins as browsers name them, as https://app.example.com,"
            f"http://localhost:3000; {text!r} is not"
        )
    scheme, authority = found
    host = f"[{authority.host}]" if ":" in authority.host else authority.host
    usual = authority.port == (443 if scheme == "https" else 80)
    return f"{scheme}://{host}" if usual else f"{scheme}://{host}:{authority.port}"
