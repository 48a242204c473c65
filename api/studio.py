"""The studio at `/`: the page that people use instead of curl, and which says what runs."""

import json
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, make_response, render_template

from api.studio_form import choices, told
from shared.services import Services

_MODULES = Path(__file__).parent / "static" / "studio"
# What is typed into it must go nowhere else, and nothing but the service's own may run in it.
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " img-src 'self' blob: data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def blueprint(services: Services) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("studio", __name__)
    settings = services.settings
    # named ahead, so that a browser need not find them one behind the other
    modules = sorted(path.name for path in _MODULES.glob("*.js"))

    @cache
    def html() -> str:
        known = told(settings)
        return render_template(
            "studio.html",
            told=known,
            told_json=json.dumps(known),
            choices=choices,
            settings=settings,
            modules=modules,
        )

    @routes.get("/")
    def page() -> Response:
        response = make_response(html())
        response.headers["Content-Security-Policy"] = _CSP
        response.headers["Cache-Control"] = "no-cache"
        return response

    return routes
