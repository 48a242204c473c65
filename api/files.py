"""The pictures: an image's address is good from the first answer on, and waits for the image."""

from contextlib import suppress

from flask import Blueprint, Response, request

from api import sending
from api.peers import has_gone
from api.waiting import Waiting
from shared.errors import Gone, NotFound, NotReady
from shared.image_store import Picture
from shared.jobs import Job
from shared.services import Services

_GONE = {
    "failed": "There is no image here: the job failed",
    "canceled": "There is no image here: the job was canceled",
    "succeeded": "The image is no longer kept",
    "deleted": "The image was deleted",
    "expired": "The image has expired",
}


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("files", __name__)

    @routes.get("/saved_images/<name>")
    def saved_image(name: str) -> Response:
        if not services.images.is_name(name):
            raise NotFound("There is no image of this name")
        with suppress(FileNotFoundError):  # deleted, or expired, since it was found
            picture = services.images.find(name) or _promised(name, services, waiting)
            return sending.elsewhere(name, services) or sending.whole(
                picture, name, services.settings
            )
        raise Gone(_GONE["succeeded"])

    return routes


def _promised(name: str, services: Services, waiting: Waiting) -> Picture:
    """Wait for an image that is still to be made; raise what stands in its way."""
    job = services.store.find_by_image(name)
    if job is None:
        raise NotFound("There is no image of this name")
    seconds = services.settings.image_wait_seconds
    if job.terminal or request.method != "GET" or not seconds:
        return _outcome(job, services)
    with suppress(NotFound):
        return _outcome(waiting.for_image(job, seconds, has_gone(request.environ)), services)
    if picture := services.images.find(name):
        return picture  # it outlives its record
    raise NotFound("There is no image of this name")


def _outcome(job: Job, services: Services) -> Picture:
    picture = services.images.find(job.image)
    if picture is not None:
        return picture
    if not job.terminal:
        raise NotReady("The image is not ready yet; try again shortly")
    raise Gone(_GONE[job.image_gone or job.status])
