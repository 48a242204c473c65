"""How a job stands."""

from flask import Blueprint, Response, request

from api import answers
from api.bodies import read_patience
from api.peers import has_gone
from api.waiting import Waiting
from shared.errors import NotFound
from shared.services import Services


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("jobs", __name__)

    @routes.get("/jobs/<job_id>")
    def get_job(job_id: str) -> Response:
        patience = read_patience(request, None, services.settings, 0.0).checked()
        job = services.store.get(job_id)
        if job is None:
            raise NotFound("There is no job of this id")
        job = waiting.for_end(job, patience.seconds, has_gone(request.environ))
        response = answers.found(job, services.settings)
        if job.terminal:
            response.make_conditional(request)
        return response

    return routes
