"""Let a test or a person give the sandbox orders: how to behave, what to do wrong.

    GET    /_sandbox/          settings, balance, counts, queue of faults
    PUT    /_sandbox/settings  {"latency": 1.5, "rate": "150/10s", "credits": 20, "down": true, ...}
    POST   /_sandbox/faults    {"kind": "cut", "count": 2, "operation": "generate/core", ...}
    DELETE /_sandbox/faults    forget all faults
    GET    /_sandbox/ledger    what was charged; ?prompt= for one exact prompt
    DELETE /_sandbox/ledger    forget what was charged
    POST   /_sandbox/reset     back to the start values

What can be set stands in `settings.py`, the kinds of faults and their options in `faults.py`.
"""

from dataclasses import asdict

from flask import Blueprint, Response, current_app, jsonify, request

from sandbox.errors import ControlError
from sandbox.orders import read_fault
from sandbox.provider import Provider

CONTROL_PATH = "/_sandbox/"

control = Blueprint("control", __name__, url_prefix=CONTROL_PATH)


@control.get("/")
def status() -> Response:
    """Show settings, balance, counts and the queue of faults."""
    provider = _provider()
    return jsonify(
        settings=provider.settings.shown(),
        credits=provider.balance / 1000,
        stats=provider.stats.shown(),
        faults=provider.faults.listed(),
    )


@control.put("/settings")
def change_settings() -> Response:
    """Change some settings and show them all."""
    changes = _order()
    if not isinstance(changes, dict):
        raise ControlError("settings are given as a JSON object")
    _provider().change(changes)
    return status()


@control.post("/faults")
def add_fault() -> Response:
    """Put a fault into the queue and show it."""
    return jsonify(asdict(_provider().faults.add(read_fault(_order()))))


@control.delete("/faults")
def clear_faults() -> Response:
    """Empty the queue of faults."""
    _provider().faults.clear()
    return status()


@control.get("/ledger")
def ledger() -> Response:
    """List what was charged; `?prompt=` keeps the entries of one exact prompt."""
    return jsonify(entries=_provider().ledger.entries(request.args.get("prompt")))


@control.delete("/ledger")
def clear_ledger() -> Response:
    """Forget what was charged, without giving the credits back."""
    _provider().ledger.clear()
    return status()


@control.post("/reset")
def reset() -> Response:
    """Go back to the start values."""
    _provider().reset()
    return status()


@control.app_errorhandler(ControlError)
def _refused(problem: ControlError) -> tuple[Response, int]:
    return jsonify(error=str(problem)), 400


def _order() -> object:
    order: object = request.get_json(silent=True)
    if order is None:
        raise ControlError("orders are JSON with content type application/json")
    return order


def _provider() -> Provider:
    provider: Provider = current_app.extensions["sandbox"]
    return provider
