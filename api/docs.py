"""The documents for programs, `/openapi.json` and its short form, and the page to read and try them."""

import hashlib
import json
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from api.openapi.actions import build_actions
from api.openapi.document import TITLE, build
from shared.services import Services
from shared.settings import Settings

_PACKAGE = "flask-swagger-ui"


def blueprint(services: Services) -> Blueprint:
    """Return the routes; a document is made once, when it is first asked for."""
    settings = services.settings
    assets = files("flask_swagger_ui") / "dist"
    routes = Blueprint("docs", __name__, static_folder=str(assets), static_url_path="/docs/ui")

    @cache
    def whole() -> _Sent:
        return _Sent(build(settings))

    @cache
    def short() -> _Sent:
        return _Sent(build_actions(settings))

    @routes.get("/openapi.json")
    def document() -> Response:
        return whole().answer()

    @routes.get("/openapi-actions.json")
    def actions_document() -> Response:
        return short().answer()

    @routes.get("/docs")
    def docs() -> Response:
        html = render_template("docs.html", title=TITLE, ui=version(_PACKAGE), settings=settings)
        response = make_response(html)
        response.headers["Content-Security-Policy"] = _policy(settings)
        return response

    return routes


class _Sent:
    """A document as it is sent, with its tag."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._body = json.dumps(document, ensure_ascii=False).encode()
        self._tag = hashlib.sha256(self._body).hexdigest()[:16]

    def answer(self) -> Response:
        """Answer the document, or 304 to who has it already."""
        response = Response(self._body, mimetype="application/json")
        response.set_etag(self._tag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response


def _policy(settings: Settings) -> str:
    """Return what the page may load: what is this service's own, and pictures that it holds already."""
    public = urlsplit(settings.public_base_url or "")
    ours = f"'self' {public.scheme}://{public.netloc}" if public.netloc else "'self'"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self';"
        f" img-src {ours} data: blob:; connect-src {ours};"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )
