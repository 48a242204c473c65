"""What is refused before it is read: who may not call an open service, and options that nobody knows."""

from flask import Flask, request

from api.auth import asked_rule
from api.bodies import NO_OPTION
from api.complaints import complaint
from api.openapi.endpoints import UNGUARDED, is_operators, options_of
from shared.errors import Forbidden, InvalidRequest
from shared.hosts import Authority, is_address, is_loopback, origin_of, read_authority, read_origin
from shared.settings import Settings

_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
# What Sec-Fetch-Site says of a page of our own, of a neighbour's, and of an address typed by a person.
_NEAR = frozenset({"same-origin", "same-site", "none"})
# What any page may link to or show: nothing of it can be read by a page of another site.
_SHOWN = frozenset({"/", "/docs", "/openapi.json", "/openapi-actions.json", "/saved_images/<name>"})
_ASSETS = ("/static/", "/docs/ui/")
# Headers by which proxies say for whom they call, as WSGI names them.
_FORWARDING = frozenset(
    f"HTTP_{name.upper().replace('-', '_')}"
    for name in (
        *("Forwarded", "Via", "X-Real-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Original-Host"),
        *(
            "X-Original-Forwarded-For",
            "X-ProxyUser-IP",
            "X-Envoy-External-Address",
            "True-Client-IP",
        ),
        *("CF-Connecting-IP", "CF-Ray", "Fastly-Client-IP", "Fly-Client-IP", "X-Azure-ClientIP"),
        "X-Appengine-User-IP",
    )
)

_FOREIGN = "A page of another site may not call this service"
_HOST = (
    "This service is for its own machine: it takes no request for this host. Set ALLOWED_HOSTS if"
    " the name is yours, or PUBLIC_BASE_URL"
)
_PROXIED = (
    "This request came through a proxy, and the service is for its own machine. Set"
    " ALLOW_ANONYMOUS=true if whoever reaches the proxy may spend your credits"
)


def register(app: Flask, settings: Settings, door: "Door") -> None:
    """Look at every request of an app before it is read."""

    def check() -> None:
        rule = asked_rule()
        credential = is_operators(rule) and settings.operator_auth is not None
        if settings.open_mode and rule not in UNGUARDED and not credential:
            door.check_open(rule)

    app.before_request(check)


def register_options(app: Flask) -> None:
    """Refuse options that nobody knows where something is submitted or ended."""

    def check() -> None:
        if request.method not in _HARMLESS and request.url_rule is not None:
            _refuse_unknown_options()

    app.before_request(check)


class Door:
    """Who may call: told by the headers that a web page can't choose."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._public = origin_of(settings.public_base_url or "")
        self._hosts = frozenset(
            {*settings.allowed_hosts, *([self._public[1].host] if self._public else [])}
        )
        self._cors = frozenset(settings.cors_origins)

    def check_open(self, rule: str) -> None:
        """Raise Forbidden for what an open service does not answer.

        A page elsewhere may have a name of its own point to this machine (DNS rebinding): then only
        the host tells that it is foreign, also for what reads.
        """
        host = self._host()
        if host is None:
            raise Forbidden(_HOST)
        if not self._settings.allow_anonymous and _forwarded():
            raise Forbidden(_PROXIED)
        if not self._may_be_shown(rule) and self._is_foreign(host):
            raise Forbidden(_FOREIGN)

    def check_same_origin(self) -> None:
        """Raise Forbidden for a page of any other origin: browsers send a password by themselves."""
        site = request.headers.get("Sec-Fetch-Site")
        if site not in {None, "same-origin", "none"} and not _is_visit():
            raise Forbidden(_FOREIGN)
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_own_origin(origin):
            raise Forbidden(_FOREIGN)

    def _host(self) -> Authority | None:
        """Return the host that was asked for if the service answers for it."""
        named = read_authority(request.environ.get("HTTP_HOST", ""))
        if named is None:
            return None
        known = named.host in self._hosts or is_loopback(named.host)
        # no page can make an address its own, as it can a name
        by_address = self._settings.allow_anonymous and is_address(named.host)
        return named if known or by_address else None

    def _may_be_shown(self, rule: str) -> bool:
        if request.method not in _HARMLESS:
            return False
        return rule in _SHOWN or rule.startswith(_ASSETS) or _is_visit()

    def _is_foreign(self, host: Authority) -> bool:
        origin = request.headers.get("Origin")
        if origin in self._cors:
            return False
        if request.headers.get("Sec-Fetch-Site", "none") not in _NEAR:
            return True
        if origin is None:
            return False
        named = read_origin(origin)
        if named is None:
            return True
        theirs = named[1].host
        return not (theirs in self._hosts or theirs == host.host or is_loopback(theirs))

    def _is_own_origin(self, origin: str) -> bool:
        named = read_origin(origin)
        asked = read_authority(request.environ.get("HTTP_HOST", ""))
        if named is None or asked is None:
            return False
        usual = 443 if named[0] == "https" else 80
        return named == self._public or named[1] == Authority(asked.host, asked.port or usual)


def _forwarded() -> bool:
    names = request.environ
    return not _FORWARDING.isdisjoint(names) or any(
        name.startswith("HTTP_X_FORWARDED") for name in names
    )


def _is_visit() -> bool:
    """Tell whether a person follows a link: the page that has it sees nothing of the answer."""
    mode, goal = (request.headers.get(f"Sec-Fetch-{name}") for name in ("Mode", "Dest"))
    return request.method in _HARMLESS and (mode, goal) == ("navigate", "document")


def _refuse_unknown_options() -> None:
    """Raise InvalidRequest for an option that would be dropped, so that nobody relies on it."""
    if options_of(request.method, str(request.url_rule)):
        return  # those that have options tell of the wrong ones together with all else that is wrong
    if faults := [complaint(name, NO_OPTION) for name in sorted(request.args)]:
        raise InvalidRequest(faults)
