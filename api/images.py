"""The two routes that make images."""

from flask import Blueprint, Response

from api.submission import read_generate, read_upscale
from api.submitting import submit
from api.waiting import Waiting
from shared.services import Services


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("images", __name__)

    @routes.post("/generate_image")
    def generate_image() -> Response:
        return submit(read_generate, services, waiting)

    @routes.post("/upscale_image")
    def upscale_image() -> Response:
        return submit(read_upscale, services, waiting)

    return routes
