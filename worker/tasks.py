"""The tasks: each loads, calls one function, and that function records."""

from collections.abc import Callable

from celery import Celery

from shared.logs import job_id as logged_job_id
from shared.queue import MAKE_IMAGE, dispatch
from shared.services import Services
from worker.listening import Taken
from worker.make_image import make_image
from worker.outcomes import JobFailed, tell
from worker.workshop import Workshop


def register(app: Celery, services: Services, shop: Workshop) -> Callable[[str], str]:
    """Give the Celery app its tasks."""

    # of this app, and of no other in the process; a job that failed is no defect of the task
    @app.task(name=MAKE_IMAGE, shared=False, throws=(JobFailed,), Request=Taken)
    def make(job_id: str) -> str:
        logged_job_id.set(job_id)
        make_image(job_id, shop)
        dispatch(services.store, services.queue)
        return tell(job_id, services.store)

    return make
