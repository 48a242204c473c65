"""The tasks: each loads, calls one function, and that function records."""

from collections.abc import Callable

from celery import Celery

from shared.logs import job_id as logged_job_id
from shared.queue import MAKE_IMAGE, dispatch
from shared.services import Services
from worker.make_image import make_image
from worker.workshop import Workshop


def register(app: Celery, services: Services, shop: Workshop) -> Callable[[str], None]:
    """Give the Celery app its tasks."""

    @app.task(name=MAKE_IMAGE, shared=False)  # of this app, and of no other in the process
    def make(job_id: str) -> None:
        logged_job_id.set(job_id)
        make_image(job_id, shop)
        dispatch(services.store, services.queue)

    return make
