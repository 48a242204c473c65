"""Pages of other origins, as far as `CORS_ORIGINS` names them; without it no page may read anything."""

from flask import Flask, Response, request

from api.openapi.endpoints import is_operators
from shared.settings import Settings

_METHODS = "GET, HEAD, POST, DELETE"
_TAKEN = (
    "Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, Range,"
    " X-API-Key, X-Request-ID,"
    # what OpenAI's JavaScript package sends with each request
    " OpenAI-Organization, OpenAI-Project, X-Stainless-Arch, X-Stainless-Lang, X-Stainless-OS,"
    " X-Stainless-Package-Version, X-Stainless-Retry-Count, X-Stainless-Runtime,"
    " X-Stainless-Runtime-Version, X-Stainless-Timeout"
)
_EXPOSED = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotent-Replayed, Location,"
    " Preference-Applied, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-ID,"
    " X-Should-Retry"
)
_ASKED_FOR = ("Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers")
_KNOWN_FOR_SECONDS = 600


def register(app: Flask, settings: Settings) -> None:
    """Answer an app's preflights, and say on each answer which page may read it."""
    if not settings.cors_origins:
        return
    origins = frozenset(settings.cors_origins)

    def admitted() -> str | None:
        origin = request.headers.get("Origin")
        return origin if origin in origins and not is_operators(request.path) else None

    def preflight() -> Response | None:
        asks = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if asks and request.url_rule and admitted() else None

    def tell(response: Response) -> Response:
        response.vary.update(_ASKED_FOR if request.method == "OPTIONS" else ["Origin"])
        if origin := admitted():
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _EXPOSED
            if response.status_code == 204 and request.method == "OPTIONS":
                _tell_preflight(response)
        return response

    app.before_request(preflight)
    app.after_request(tell)


def _tell_preflight(response: Response) -> None:
    response.headers["Access-Control-Allow-Methods"] = _METHODS
    response.headers["Access-Control-Allow-Headers"] = _TAKEN
    response.headers["Access-Control-Max-Age"] = str(_KNOWN_FOR_SECONDS)
    if request.headers.get("Access-Control-Request-Private-Network") == "true":
        response.headers["Access-Control-Allow-Private-Network"] = "true"
