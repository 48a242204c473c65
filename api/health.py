"""Alive, and able to work."""

from flask import Blueprint, Response, jsonify

from api import readiness
from api.errors import answer
from api.shapes import AliveView, ReadyView
from shared.services import Services
from shared.version import VERSION


def blueprint(services: Services) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return _fresh(jsonify(AliveView(status="ok", version=VERSION)))

    @routes.get("/readyz")
    def readyz() -> Response:
        found = readiness.check(services)
        if found.missing:
            message = f"Not ready: {', '.join(found.missing)}"
            told = {"checks": found.checks, "provider": found.provider}
            return answer(503, "unavailable", message, **told)
        return _fresh(jsonify(ReadyView(status="ok", checks=found.checks, provider=found.provider)))

    return routes


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
