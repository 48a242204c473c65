"""What only the operator may do: see and end all jobs, stop and resume what is bought."""

import hmac
import logging
import re

from flask import Blueprint, Flask, Response, jsonify, request

from api import answers, endings
from api.auth import asked_rule
from api.bodies import read_body
from api.complaints import Complaint, complaint
from api.guard import Door
from api.listing import page
from api.openapi.endpoints import is_operators
from api.shapes import PausedView
from shared.errors import Forbidden, InvalidRequest, NotFound, Unauthorized
from shared.halt import LONGEST_REASON, Halted
from shared.job_index import EVERYBODYS
from shared.jobs import Job
from shared.queue import dispatch
from shared.services import Services
from shared.settings import Settings
from shared.views import in_utc

_log = logging.getLogger(__name__)
# half a character can be stored and sent nowhere
_ONE_LINE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029\ud800-\udfff]*")
_CHALLENGE = 'Basic realm="operator", charset="UTF-8"'


def register(app: Flask, settings: Settings, door: Door) -> None:
    """Let nobody but the operator reach the addresses of an app that are the operator's."""
    known = settings.operator_auth.get_secret_value().encode() if settings.operator_auth else b""

    def check() -> None:
        if not is_operators(asked_rule()):
            return
        door.check_same_origin()
        if settings.operator_open:
            return
        if not known:
            raise Forbidden("This is the operator's: set OPERATOR_AUTH to user:password to use it")
        if not hmac.compare_digest(_given(), known):
            raise Unauthorized("This is the operator's: send the user and password", _CHALLENGE)

    app.before_request(check)


def _given() -> bytes:
    given = request.authorization
    if given is None or given.type != "basic":
        return b""
    return f"{given.username}:{given.password}".encode(errors="surrogatepass")


def blueprint(services: Services) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("operators", __name__, url_prefix="/operator")

    @routes.get("/jobs")
    def list_all_jobs() -> Response:
        jobs, cursor = page(request.args, services.index, EVERYBODYS)
        return answers.listed(jobs, cursor, services)

    @routes.get("/jobs/<job_id>")
    def get_any_job(job_id: str) -> Response:
        return answers.found(_anybodys(job_id, services), services)

    @routes.delete("/jobs/<job_id>")
    def cancel_any_job(job_id: str) -> Response:
        return endings.cancel_job(_anybodys(job_id, services), services)

    @routes.post("/jobs/<job_id>/erase")
    def erase_any_job(job_id: str) -> Response:
        return endings.erase_job(_anybodys(job_id, services), services)

    @routes.post("/pause")
    def pause() -> Response:
        halted = services.halt.begin(_reason())
        _log.warning("the operator has paused", extra={"reason": halted.reason})
        return _paused(halted, services)

    @routes.post("/resume")
    def resume() -> Response:
        _take_nothing()
        services.halt.end()
        _log.warning("the operator has resumed")
        dispatch(services.store, services.queue)
        return _paused(None, services)

    return routes


def _anybodys(job_id: str, services: Services) -> Job:
    job = services.store.get(job_id)
    if job is None:
        raise NotFound("There is no job of this id")
    return job


def _reason() -> str:
    """Return the reason that a body gives, or ''; raise InvalidRequest."""
    body = read_body(request)
    faults = [*_unknown({*body.fields, *body.files} - {"reason"}, "only reason is")]
    reason = body.fields.get("reason")
    given = reason if isinstance(reason, str) else ""
    text = given.strip()
    wrong = reason is not None and not isinstance(reason, str)
    # what is stripped too: some of its blanks are control characters
    if wrong or len(text) > LONGEST_REASON or not _ONE_LINE.fullmatch(given):
        told = f"must be one line of at most {LONGEST_REASON} characters"
        faults.insert(0, complaint("reason", told))
    if faults:
        raise InvalidRequest(list(faults))
    return text


def _take_nothing() -> None:
    body = read_body(request)
    if faults := _unknown({*body.fields, *body.files}, "nothing is"):
        raise InvalidRequest(list(faults))


def _unknown(names: set[str], known: str) -> list[Complaint]:
    return [complaint(name, f"is not taken; {known}") for name in sorted(names)]


def _paused(halted: Halted | None, services: Services) -> Response:
    depth = services.index.depth()
    told = PausedView(
        paused=halted is not None,
        paused_since=in_utc(halted.since) if halted else None,
        reason=halted.reason if halted else None,
        queue={"waiting": depth.waiting, "running": depth.running},
    )
    response: Response = jsonify(told)
    response.headers["Cache-Control"] = "no-store"
    return response
