"""Many jobs as one: submitting, watching, ending, and fetching their images in one file."""

import time
from functools import partial
from typing import IO

from flask import Blueprint, Request, Response, request

from api import answers, endings
from api.archive import archive
from api.batch_requests import read_batch
from api.bodies import MULTIPART, read_patience
from api.deliveries import deliveries, redeliver
from api.owned import known_batch
from api.peers import has_gone
from api.streams import watch
from api.submitting import submit
from api.waiting import Waiting
from shared.services import Services
from shared.settings import Settings

# A hundred files of a megabyte; the forms of single images are bounded by the app's own limit.
MOST_BYTES = 100 * 1024 * 1024
# A hundred of the longest prompts, each character written as "\ud83e\udd8a".
_MOST_JSON_BYTES = 32 * 1024 * 1024
# Beside the images; the framework's own limit, for a single image.
_OTHER_PARTS = 1_000


def blueprint(services: Services, waiting: Waiting) -> Blueprint:
    """Return the routes, bound to what they call."""
    routes = Blueprint("batches", __name__)

    @routes.post("/batches")
    def submit_batch() -> Response:
        _bound(request, services.settings)
        return submit(read_batch, services, waiting)

    @routes.get("/batches/<batch_id>")
    def get_batch(batch_id: str) -> Response:
        patience = read_patience(request, None, services.settings, 0.0).checked()
        batch = known_batch(batch_id, services)
        batch = waiting.for_end(batch, patience.seconds, has_gone(request.environ))
        return answers.found(batch, services)

    @routes.delete("/batches/<batch_id>")
    def cancel_batch(batch_id: str) -> Response:
        return endings.cancel_batch(known_batch(batch_id, services), services)

    @routes.get("/batches/<batch_id>/events")
    def batch_events(batch_id: str) -> Response:
        return watch(known_batch(batch_id, services), request, services, waiting)

    @routes.get("/batches/<batch_id>/archive")
    def batch_archive(batch_id: str) -> Response:
        return archive(known_batch(batch_id, services), services)

    @routes.get("/batches/<batch_id>/deliveries")
    def batch_deliveries(batch_id: str) -> Response:
        return deliveries(known_batch(batch_id, services), services)

    @routes.post("/batches/<batch_id>/redeliver")
    @routes.post("/batches/<batch_id>/deliveries/redeliver")
    def redeliver_batch(batch_id: str) -> Response:
        return redeliver(partial(known_batch, batch_id, services), request, services)

    return routes


class _Breathing:
    """A body that is read with a breath for the other callers of this process between two pieces.

    A client that sends as fast as it is read would else keep them waiting for a second.
    """

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body

    def read(self, size: int = -1) -> bytes:
        """Read a piece."""
        time.sleep(0)
        return self._body.read(size)


def _bound(request: Request, settings: Settings) -> None:
    """Let a batch be larger than a single image; what is no form is held in memory whole."""
    request.environ["wsgi.input"] = _Breathing(request.environ["wsgi.input"])
    form = request.mimetype == MULTIPART
    request.max_content_length = MOST_BYTES if form else _MOST_JSON_BYTES
    request.max_form_parts = settings.batch_max_jobs + _OTHER_PARTS
