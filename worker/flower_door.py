"""The door of Flower: a rule before its own ones, for what they leave open.

Flower asks for no password at `/metrics`, knows no `Host`, and has its pages' word that they only look.
"""

import hmac
import secrets
from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from typing import Any

from tornado.httputil import HTTPServerRequest
from tornado.routing import Matcher, Rule
from tornado.web import RequestHandler

from shared.hosts import is_loopback, read_authority
from shared.settings import Settings

# For whatever looks after containers; it says OK and no more.
_ALIVE = "/healthcheck"
# How the list of tasks asks for its rows.
_ROWS = "/tasks/datatable"
_LOOKING = frozenset({"GET", "HEAD", "OPTIONS"})
_CHALLENGE = 'Basic realm="operator", charset="UTF-8"'


class Door(Matcher):
    """Matches each request that must not reach Flower; `rule` is to stand before all other rules.

    Flower takes no password but of plain letters. It is given one of its own, `credential`, that the
    door puts in place of the operator's; so it stays closed, too, should there be no door.
    """

    def __init__(self, settings: Settings) -> None:
        auth = settings.operator_auth
        self._known = auth.get_secret_value().encode() if auth else b""
        self._hosts = frozenset(settings.allowed_hosts)
        self.credential = f"operator:{secrets.token_hex(16)}" if auth else ""
        self.rule = Rule(self, Refused)

    def match(self, request: HTTPServerRequest) -> dict[str, Any] | None:
        """Return with what a request is refused, None for one that may come in."""
        status, message = self._refusal(request)
        if status:
            return {"target_kwargs": {"status": status, "message": message}}
        if self.credential:
            inside = b64encode(self.credential.encode()).decode()
            request.headers["Authorization"] = f"Basic {inside}"
        return None

    def _refusal(self, request: HTTPServerRequest) -> tuple[int, str]:
        if not self._known and not self._is_ours(request.headers.get("Host", "")):
            return 403, "Flower takes no request for this host: set ALLOWED_HOSTS if it is yours"
        if request.path == _ALIVE:
            return 0, ""
        if _is_foreign(request):
            return 403, "A page of another site may not look in here"
        if self._known and not hmac.compare_digest(_given(request), self._known):
            return 401, "This is the operator's: send the user and password"
        if request.method not in _LOOKING and request.path != _ROWS:
            return 403, "Flower only shows here, and changes nothing"
        return 0, ""

    def _is_ours(self, host: str) -> bool:
        """Tell whether a host is this machine: a page elsewhere may have a name of its own lead here."""
        named = read_authority(host)
        return named is not None and (named.host in self._hosts or is_loopback(named.host))


class Refused(RequestHandler):
    """Answers what must not reach Flower."""

    def initialize(self, status: int, message: str) -> None:
        """Take what is answered."""
        self.set_status(status)
        self._message = message

    def check_xsrf_cookie(self) -> None:
        """Ask for no token: nothing is done."""

    def prepare(self) -> None:
        """Answer, whatever the method."""
        if self.get_status() == 401:
            self.set_header("WWW-Authenticate", _CHALLENGE)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("Cache-Control", "no-store")
        self.finish(self._message + "\n")


def _is_foreign(request: HTTPServerRequest) -> bool:
    """Tell whether a page of another site asks, but for a person who follows a link of it."""
    site, mode = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Site", "Mode"))
    visit = mode == "navigate" and request.method in _LOOKING
    return site not in {None, "same-origin", "none"} and not visit


def _given(request: HTTPServerRequest) -> bytes:
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return b64decode(credentials.strip(), validate=True)
    except (NotBase64, ValueError):
        return b""
