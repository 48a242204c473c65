"""How jobs stand; ending one, asking for one again, removing its image."""

from functools import partial

from flask import Blueprint, Response, request

from api import answers, endings
from api.auth import caller
from api.bodies import read_patience
from api.deliveries import deliveries, redeliver
from api.listing import page
from api.owned import known_job
from api.peers import has_gone
from api.retries import read_retry
from api.streams import watch
from api.submitting import submit
from api.waiting import Waiting
from shared.services import Services


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("jobs", __name__)

    @routes.get("/jobs")
    def list_jobs() -> Response:
        jobs, cursor = page(request.args, services.index, caller().owner)
        return answers.listed(jobs, cursor, services)

    @routes.get("/jobs/<job_id>")
    def get_job(job_id: str) -> Response:
        patience = read_patience(request, None, services.settings, 0.0).checked()
        job = known_job(job_id, services)
        job = waiting.for_end(job, patience.seconds, has_gone(request.environ))
        return answers.found(job, services)

    @routes.get("/jobs/<job_id>/events")
    def job_events(job_id: str) -> Response:
        return watch(known_job(job_id, services), request, services, waiting)

    @routes.delete("/jobs/<job_id>")
    def cancel_job(job_id: str) -> Response:
        return endings.cancel_job(known_job(job_id, services), services)

    @routes.post("/jobs/<job_id>/retry")
    def retry_job(job_id: str) -> Response:
        return submit(read_retry(partial(known_job, job_id, services)), services, waiting)

    @routes.delete("/jobs/<job_id>/image")
    def delete_image(job_id: str) -> Response:
        return endings.delete_image(known_job(job_id, services), services)

    @routes.get("/jobs/<job_id>/deliveries")
    def job_deliveries(job_id: str) -> Response:
        return deliveries(known_job(job_id, services), services)

    @routes.post("/jobs/<job_id>/redeliver")
    @routes.post("/jobs/<job_id>/deliveries/redeliver")
    def redeliver_job(job_id: str) -> Response:
        return redeliver(partial(known_job, job_id, services), request, services)

    return routes
