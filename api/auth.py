"""Who calls: every request shows its client key before anything else of it is read."""

from dataclasses import dataclass

from flask import Flask, Request, g, request
from werkzeug.exceptions import MethodNotAllowed

from api.openapi.endpoints import is_operators, needs_key
from shared.client_keys import find_owner
from shared.errors import Unauthorized
from shared.settings import Settings

# What a request without a right key is told besides its 401.
_CHALLENGE = 'Bearer realm="Stability AI Image API"'
# For browsers: what the pages at open addresses are made of.
_ASSETS = frozenset({"/static/<path:filename>", "/docs/ui/<path:filename>"})
_KEY_HEADER = "X-API-Key"
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request: the name of its client key; "" is the open caller, without one."""

    owner: str


def register(app: Flask, settings: Settings) -> None:
    """Refuse every request of an app that needs a key and has not a right one."""
    keys = settings.client_keys

    def check() -> None:
        if settings.open_mode:
            g.caller = Caller("")
            return
        if is_open(asked_rule()):
            return
        owner = find_owner(_presented(request), keys)
        if owner is None:
            raise Unauthorized(
                "A client key is needed: send it as Authorization: Bearer <key>, or as X-API-Key",
                _CHALLENGE,
            )
        g.caller = Caller(owner)

    app.before_request(check)


def caller() -> Caller:
    """Return who sent the current request; there is none at an open address of a service with keys."""
    who: Caller = g.caller
    return who


def asked_rule() -> str:
    """Return the rule that the current request is for, "" for none.

    A method that an address of the operator's does not take leads to no rule, and is the operator's
    mistake all the same: then this is the path.
    """
    wrong_method = isinstance(request.routing_exception, MethodNotAllowed)
    if wrong_method and is_operators(request.path):
        return request.path
    return str(request.url_rule or "")


def is_open(rule: str) -> bool:
    """Tell whether a rule of the app asks for no client key; an address that is none does ask."""
    return rule in _ASSETS or not needs_key(rule)


def _presented(request: Request) -> str:
    """Return the key that a request shows, "" when there is none, or two that differ."""
    told = request.headers.get("Authorization", "")
    bearer = told[len(_SCHEME) :].strip() if told[: len(_SCHEME)].lower() == _SCHEME else ""
    shown = {key for key in (bearer, request.headers.get(_KEY_HEADER, "").strip()) if key}
    return shown.pop() if len(shown) == 1 else ""
