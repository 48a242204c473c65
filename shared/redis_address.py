"""How the Redis of the settings is reached, for those who can't take its URL as it is written."""

import re
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

_CERTIFICATES = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_OPTIONS = {*_FILES, "ssl_cert_reqs", "ssl_check_hostname"}
_FORM = "redis://user:password@host:port/0, or rediss:// for TLS"


def check_redis_url(url: str) -> None:
    """Raise ValueError that says what is wrong with an address."""
    if re.match(r"(redis\+)?(sentinel|cluster)s?://", url):
        raise ValueError(
            f"must be {_FORM}: Sentinel and Cluster are not supported, name one server"
        )
    if not re.match(r"rediss?://", url):
        raise ValueError(f"must be {_FORM}")
    if "," in url.partition("://")[2].rpartition("@")[2].partition("/")[0]:
        raise ValueError("names several servers: Sentinel and Cluster are not supported")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise ValueError(f"must be {_FORM}")
    if not re.fullmatch(r"/?|/\d{1,4}", parts.path):
        raise ValueError("must end in the number of a database, as redis://host:6379/0")
    _check_tls(parts.scheme, {name: values[0] for name, values in parse_qs(parts.query).items()})


def _check_tls(scheme: str, options: dict[str, str]) -> None:
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    if tls and scheme != "rediss":
        raise ValueError("has TLS options and must then be rediss://")
    if unknown := sorted(tls.keys() - _OPTIONS):
        raise ValueError(f"has no option {unknown[0]}; there are {', '.join(sorted(_OPTIONS))}")
    if tls.get("ssl_cert_reqs", "required") not in _CERTIFICATES:
        raise ValueError(f"takes as ssl_cert_reqs: {', '.join(_CERTIFICATES)}")
    if tls.get("ssl_check_hostname", "true") not in {"true", "false"}:
        raise ValueError("takes as ssl_check_hostname: true, false")
    for name in _FILES:
        if name in tls and not Path(tls[name]).is_file():
            raise ValueError(f"names {tls[name]} as {name}, and there is no such file")


def broker_tls(url: str) -> dict[str, Any] | None:
    """Return what Celery and Flower take as `broker_use_ssl`: they read none of it from a URL alike."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return None
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    checked = options.get("ssl_cert_reqs", "required")
    named = options.get("ssl_check_hostname", "true") == "true" and checked != "none"
    files = {name: options[name] for name in _FILES if name in options}
    return {"ssl_cert_reqs": _CERTIFICATES[checked], "ssl_check_hostname": named, **files}


def broker_url(url: str) -> str:
    """Return an address without its TLS options."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    return urlunsplit(parts._replace(query=""))
