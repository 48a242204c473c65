"""Alive, and able to work."""

from typing import Any

from flask import Blueprint, Response, jsonify

from api.errors import answer
from shared.errors import StoreUnavailable
from shared.services import Services

# Room for some hundred of the largest pictures; below it, what is paid for might not fit.
ROOM_BYTES = 1024**3


def blueprint(services: Services) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("health", __name__)

    @routes.get("/healthz")
    def healthz() -> Response:
        return _fresh(jsonify(status="ok"))

    @routes.get("/readyz")
    def readyz() -> Response:
        checks, paused_ms = _checks(services)
        missing = [name for name, state in checks.items() if state != "ok"]
        told: dict[str, Any] = {"checks": checks, "provider": provider(services, paused_ms)}
        if missing:
            message = f"Not ready: {', '.join(missing)}"
            return answer(503, "unavailable", message, **told)
        return _fresh(jsonify(status="ok", **told))

    return routes


def provider(services: Services, paused_ms: int) -> dict[str, Any]:
    """Return who makes the pictures, and for how long calls are paused; it makes nothing unready."""
    name = "sandbox" if services.settings.sandbox else "stability"
    return {"name": name, "paused_seconds": round(paused_ms / 1000)}


def _checks(services: Services) -> tuple[dict[str, str], int]:
    paused_ms = 0
    try:
        workers = services.store.live_workers()
        paused_ms = services.store.paused_ms()
        checks = {"redis": "ok", "worker": "ok" if workers else "no live worker"}
    except StoreUnavailable:
        checks = {"redis": "does not answer", "worker": "unknown"}
    checks["storage"] = _storage(services)
    return checks, paused_ms


def _storage(services: Services) -> str:
    if not services.images.writable():
        return "not writable"
    return "ok" if services.images.free_bytes() >= ROOM_BYTES else "almost full"


def _fresh(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response
