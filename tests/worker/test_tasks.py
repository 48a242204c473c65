"""The task makes the picture and lets the next job start."""

from shared.logs import job_id as logged_job_id
from shared.queue import MAKE_IMAGE, make_celery
from shared.services import Services
from tests.builders import accepted, known
from tests.fakes import RememberingQueue, ScriptedProvider
from tests.worker.bench import IMAGE, workshop
from worker.tasks import register


def test_a_task_makes_the_picture_and_dispatches_the_next_job(services: Services) -> None:
    app = make_celery(services.settings)
    job, waiting = accepted(services.store), accepted(services.store)
    task = register(app, services, workshop(services, ScriptedProvider(IMAGE)))
    services.store.heartbeat("w", 1, 60_000)

    task(job.id)

    assert known(services.store, job.id).status == "succeeded"
    assert isinstance(services.queue, RememberingQueue)
    assert services.queue.sent == [waiting.id]
    assert logged_job_id.get() == job.id


def test_the_task_is_registered_by_the_name_that_is_sent(services: Services) -> None:
    app = make_celery(services.settings)

    register(app, services, workshop(services, ScriptedProvider()))

    assert MAKE_IMAGE in app.tasks
