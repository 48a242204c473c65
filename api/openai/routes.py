"""The addresses of the OpenAI API that are here."""

from flask import Blueprint, Response, jsonify

from api.openai.making import make_images
from api.openai.models import model, models
from api.waiting import Waiting
from shared.services import Services


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("openai", __name__)

    @routes.post("/v1/images/generations")
    def create_images() -> Response:
        return make_images(services, waiting)

    @routes.get("/v1/models")
    def list_models() -> Response:
        response: Response = jsonify(models())
        return response

    @routes.get("/v1/models/<model_id>")
    def get_model(model_id: str) -> Response:
        response: Response = jsonify(model(model_id))
        return response

    return routes
