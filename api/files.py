"""The pictures: an image's address is good from the first answer on, and waits for the image."""

import re
import time
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Response, request, send_file

from api.peers import has_gone
from api.waiting import Waiting
from shared.errors import Gone, NotFound, NotReady
from shared.image_file import CONTENT_TYPES
from shared.jobs import Job
from shared.services import Services
from shared.settings import Settings

_MAX_AGE_SECONDS = 86_400
_ONE_RANGE = re.compile(r"bytes=\s*(\d+-\d*|-\d+)\s*")
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
            path = services.images.find(name) or _promised(name, services, waiting)
            return _send(path, name, services.settings)
        raise Gone(_GONE["succeeded"])

    return routes


def _promised(name: str, services: Services, waiting: Waiting) -> Path:
    """Wait for an image that is still to be made; raise what stands in its way."""
    job = services.store.find_by_image(name)
    if job is None:
        raise NotFound("There is no image of this name")
    seconds = services.settings.image_wait_seconds
    if job.terminal or request.method != "GET" or not seconds:
        return _outcome(job, services)
    with suppress(NotFound):
        return _outcome(waiting.for_image(job, seconds, has_gone(request.environ)), services)
    if path := services.images.find(name):
        return path  # it outlives its record
    raise NotFound("There is no image of this name")


def _outcome(job: Job, services: Services) -> Path:
    path = services.images.find(job.image)
    if path is not None:
        return path
    if not job.terminal:
        raise NotReady("The image is not ready yet; try again shortly")
    raise Gone(_GONE[job.image_gone or job.status])


def _max_age(path: Path, settings: Settings) -> int:
    """Return for how many seconds a copy may be kept: to its end, which counts from its writing."""
    if not settings.image_ttl_ms:
        return _MAX_AGE_SECONDS
    left = path.stat().st_mtime + settings.image_ttl_ms / 1000 - time.time()
    return min(max(0, int(left)), _MAX_AGE_SECONDS)


def _send(path: Path, name: str, settings: Settings) -> Response:
    token, _, extension = name.partition(".")
    if request.method != "GET" or not _ONE_RANGE.fullmatch(request.headers.get("Range", "")):
        # several ranges, or of something else than bytes: RFC 9110 lets the whole be sent
        request.environ.pop("HTTP_RANGE", None)
    response = send_file(
        path,
        mimetype=CONTENT_TYPES[extension],
        as_attachment=request.args.get("download") == "1",
        download_name=name,
        etag=token,
        max_age=_max_age(path, settings),
    )
    response.cache_control.public = True
    response.cache_control.immutable = True
    return response
