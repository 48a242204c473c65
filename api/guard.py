"""What is refused before it is read: a foreign page's request, and options that nobody knows."""

from urllib.parse import urlsplit

from flask import Flask, request

from api.bodies import NO_OPTION
from api.complaints import complaint
from api.openapi.endpoints import options_of
from shared.errors import Forbidden, InvalidRequest
from shared.settings import Settings, is_loopback

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
_FOREIGN = "A page of another site may not spend this service's credits"


def register(app: Flask, settings: Settings) -> None:
    """Look at every request of an app that may cost something."""
    own = urlsplit(settings.own_url).hostname or ""

    def check() -> None:
        if request.method in _HARMLESS or request.url_rule is None:
            return
        _refuse_foreign_pages(own)
        _refuse_unknown_options()

    app.before_request(check)


def _refuse_foreign_pages(own: str) -> None:
    """Raise Forbidden for what a browser sends from another site; a form there needs no permission."""
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if site == "cross-site" or (origin is not None and not _is_ours(origin, own)):
        raise Forbidden(_FOREIGN)


def _is_ours(origin: str, own: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host == own or is_loopback(host)


def _refuse_unknown_options() -> None:
    """Raise InvalidRequest for an option that would be dropped, so that nobody relies on it."""
    if options_of(request.method, str(request.url_rule)):
        return  # those that have options tell of the wrong ones together with all else that is wrong
    if faults := [complaint(name, NO_OPTION) for name in sorted(request.args)]:
        raise InvalidRequest(faults)
