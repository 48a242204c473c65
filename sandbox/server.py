"""Put the provider's paths on the wire: each route reads, calls once and answers."""

import random
import secrets
from datetime import UTC, datetime
from functools import partial

from flask import Blueprint, Flask, Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from sandbox.answers import JSON, Line, answer, json_parts, refuse, send
from sandbox.calls import Call, Form, read_call
from sandbox.control import CONTROL_PATH, control
from sandbox.errors import ProviderError, error_of
from sandbox.pictures import measure
from sandbox.provider import Caller, Outcome, Provider
from sandbox.sizes import Size
from sandbox.wire import CLIENT_HEADERS, MAX_BODY, OPERATIONS, Operation

wire = Blueprint("wire", __name__)


def create_app(provider: Provider) -> Flask:
    """Build the application around a finished provider."""
    app = Flask(__name__, static_folder=None)
    app.extensions["sandbox"] = provider
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_BODY
    app.before_request(_arrive)
    app.after_request(_depart)
    app.register_error_handler(ProviderError, _refused)
    app.register_error_handler(HTTPException, _framework_refused)
    app.register_blueprint(wire)
    app.register_blueprint(control)
    return app


def _make(operation: Operation) -> Response:
    key = _key_in_header()
    call = _read(operation)
    _verify(key)
    outcome = _provider().make(call, _caller(key))
    return _answer(outcome)


@wire.get("/v2beta/results/<job_id>")
@wire.get("/v2beta/stable-image/upscale/creative/result/<job_id>")
def results(job_id: str) -> Response:
    """Answer a poll of an asynchronous job."""
    key = _key_in_header()
    if complaints := _accept_complaints("*/*"):
        raise ProviderError("bad_request", *complaints)
    _verify(key)
    return _answer(_provider().collect(job_id, key), job_id)


@wire.get("/v1/user/balance")
def balance() -> Response:
    """Tell the credits that are left."""
    fault = _provider().meet("balance")
    return _send_json({"credits": _provider().balance / 1000}, Outcome(fault))


@wire.get("/v1/user/account")
def account() -> Response:
    """Tell whose key this is."""
    organization = {"id": "org-sandbox", "name": "Sandbox", "role": "MEMBER", "is_default": True}
    data = {
        "id": "user-sandbox",
        "email": "sandbox@example.com",
        "organizations": [organization],
    }
    return _send_json(data, Outcome(_provider().meet("account")))


for _operation in OPERATIONS.values():
    wire.add_url_rule(
        _operation.path, _operation.name, partial(_make, _operation), methods=["POST"]
    )


def _arrive() -> Response | None:
    """Receive a call in the order the provider is believed to check: 429 before all else."""
    provider = _provider()
    g.request_id = secrets.token_hex(16)
    if request.path.startswith(CONTROL_PATH):
        return None
    if provider.settings.travel:
        provider.host.sleep(random.uniform(0, provider.settings.travel))
    g.counted = True
    g.arrived = datetime.now(UTC).isoformat(timespec="milliseconds")
    provider.stats.enter()
    if provider.settings.down:
        return refuse(error_of(503, html=True), g.request_id, request.path)
    key = _key()
    if request.path.startswith("/v1/"):
        _verify_v1(key)
    elif key and request.path.startswith("/v2beta/"):
        provider.admit(key)
    return None


def _depart(response: Response) -> Response:
    response.headers["x-request-id"] = g.request_id
    if g.get("counted"):
        provider = _provider()
        endpoint = (request.endpoint or "unknown").removeprefix("wire.")
        provider.stats.answered(endpoint, g.get("outcome", str(response.status_code)))
        response.call_on_close(provider.leave)
    return response


def _refused(error: ProviderError) -> Response:
    return refuse(error, g.request_id, request.path)


def _framework_refused(error: HTTPException) -> Response:
    code = error.code or 500
    return _refused(ProviderError("not_found") if code in (404, 405) else error_of(code))


def _read(operation: Operation) -> Call:
    if (request.content_length or 0) > MAX_BODY:
        raise ProviderError("payload_too_large")
    if request.mimetype != "multipart/form-data":
        problem = "must be multipart/form-data" if request.mimetype else "required"
        raise ProviderError("bad_request", f"content-type: {problem}")
    form = Form(
        request.form.to_dict(flat=False),
        {name: [part.read() for part in parts] for name, parts in request.files.lists()},
    )
    # The start of an asynchronous job declares no Accept at all.
    complaints = [] if operation.asynchronous else _accept_complaints("image/*")
    complaints += [
        f"{name}: must contain at most 256 character(s)"
        for name in CLIENT_HEADERS
        if len(request.headers.get(name, "")) > 256
    ]
    return read_call(operation, form, _measure, complaints)


def _measure(data: bytes) -> Size | None:
    return _provider().host.compute(partial(measure, data))


def _accept_complaints(usual: str) -> list[str]:
    """Complain about an Accept outside the documented words; `image/*` is taken everywhere."""
    allowed = dict.fromkeys((usual, "image/*", JSON))
    if request.headers.get("Accept", usual) in allowed:
        return []
    expected = " | ".join(f"'{word}'" for word in allowed)
    return [f"accept: invalid enum value. Expected {expected}"]


def _key() -> str | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "bearer" else None


def _key_in_header() -> str:
    """Return the key, valid or not: a missing one is refused before the form is looked at."""
    if (key := _key()) is None:
        raise ProviderError("unauthorized")
    return key


def _verify(key: str) -> None:
    if not _provider().accepts(key):
        raise ProviderError("unauthorized")


def _verify_v1(key: str | None) -> None:
    if key is None:
        raise ProviderError("unauthorized", "missing authorization header")
    if not _provider().accepts(key):
        # The real v1 repeats part of the key too, which a client must not log.
        raise ProviderError("unauthorized", f"Incorrect API key: {key[:7]}****{key[-4:]}")


def _caller(key: str) -> Caller:
    client_id, user_id, version = (request.headers.get(name) for name in CLIENT_HEADERS)
    return Caller(key, request.path, g.request_id, (client_id, user_id, version), g.arrived)


def _answer(outcome: Outcome, job_id: str = "") -> Response:
    _note(outcome)
    return answer(outcome, request.headers.get("Accept") == JSON, _line(), job_id)


def _send_json(data: object, outcome: Outcome) -> Response:
    _note(outcome)
    return send(json_parts(data), outcome, _line())


def _note(outcome: Outcome) -> None:
    if outcome.fault and outcome.fault.kind in ("cut", "reset", "hang"):
        g.outcome = outcome.fault.kind


def _line() -> Line:
    provider = _provider()
    hung_up = request.environ.get("sandbox.hung_up", lambda: False)
    return Line(provider.host.sleep, hung_up, provider.delivered)


def _provider() -> Provider:
    provider: Provider = current_app.extensions["sandbox"]
    return provider
