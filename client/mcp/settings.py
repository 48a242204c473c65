"""What the tools' server is told by its environment; read once, every complaint at once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from client.transport import checked_address

USUAL_URL = "http://127.0.0.1:5000"
# Many assistants give a call up after 60 s; the picture is on its way then, and nobody is told.
_WAIT_SECONDS, _LONGEST_WAIT = 50.0, 600.0
# Claude Desktop drops an answer of more than 1,048,576 characters. This is 933,336 in base64.
_INLINE_BYTES = 700_000
_HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")


class SettingsFault(Exception):
    """Something is set wrong; the message is a sentence for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`wait_seconds`: how long a call is held; `inline_bytes`: the largest image put into an answer.

    `links_url`: where callers find the service, if that is not where this program does; `host`: by which
    name the service is asked, if not by that of `url`.
    """

    url: str = USUAL_URL
    links_url: str = ""
    host: str | None = None
    key: str | None = None
    wait_seconds: float = _WAIT_SECONDS
    inline_bytes: int = _INLINE_BYTES
    allowed_hosts: tuple[str, ...] = ()
    published_on_loopback: bool = False

    @property
    def links(self) -> str:
        """Return the address on which what the service gives out is opened."""
        return self.links_url or self.url

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return what an environment says; raise SettingsFault with all that is wrong."""
        wrong: list[str] = []
        url, links = (environment.get(name) or "" for name in ("IMAGE_API_URL", "MCP_LINKS_URL"))
        settings = cls(
            url=_url("IMAGE_API_URL", url or USUAL_URL, wrong),
            links_url=links and _url("MCP_LINKS_URL", links, wrong),
            host=_host(environment.get("IMAGE_API_HOST", "").strip().lower(), wrong),
            key=_key(environment.get("IMAGE_API_KEY") or None, wrong),
            wait_seconds=_number(environment, "MCP_WAIT_SECONDS", _WAIT_SECONDS, wrong),
            inline_bytes=int(_number(environment, "MCP_INLINE_BYTES", _INLINE_BYTES, wrong)),
            allowed_hosts=_hosts(environment.get("MCP_ALLOWED_HOSTS", ""), wrong),
            published_on_loopback=environment.get("PUBLISHED_ON_LOOPBACK", "").lower() == "true",
        )
        if wrong:
            raise SettingsFault("; ".join(wrong))
        return settings


_MOST = {"MCP_WAIT_SECONDS": _LONGEST_WAIT, "MCP_INLINE_BYTES": 20_000_000.0}


def _number(environment: Mapping[str, str], name: str, usual: float, wrong: list[str]) -> float:
    text = environment.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and float(text) <= _MOST[name]):
        wrong.append(f"{name} must be a whole number from 0 to {_MOST[name]:.0f}, not {text}")
        return usual
    return float(text)


def _url(name: str, url: str, wrong: list[str]) -> str:
    try:
        return checked_address(url)
    except ValueError as why:
        wrong.append(f"{name} {why}")
        return USUAL_URL


def _key(key: str | None, wrong: list[str]) -> str | None:
    if key and not (key.isascii() and key.isprintable()):
        wrong.append("IMAGE_API_KEY must be one line of plain characters")
    return key


def _host(text: str, wrong: list[str]) -> str | None:
    if text and not _HOST.fullmatch(text):
        wrong.append(f"IMAGE_API_HOST must be a name like 127.0.0.1:5000, not {text}")
    return text or None


def _hosts(text: str, wrong: list[str]) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    for host in hosts:
        if not _HOST.fullmatch(host):
            wrong.append(f"MCP_ALLOWED_HOSTS must be names like images.example.org, not {host}")
    return hosts
