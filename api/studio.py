"""The page at `/`: what runs, and where to go from here."""

from flask import Blueprint, Response, make_response, render_template

from shared.services import Services

_CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'none'"
)


def blueprint(services: Services) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("studio", __name__)
    settings = services.settings

    @routes.get("/")
    def page() -> Response:
        base = settings.own_url
        html = render_template(
            "index.html",
            sandbox=settings.sandbox,
            keys=not settings.open_mode,
            base=base,
            flower_port=settings.flower_port,
        )
        response = make_response(html)
        response.headers["Content-Security-Policy"] = _CSP
        return response

    return routes
