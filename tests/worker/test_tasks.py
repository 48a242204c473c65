"""The task makes the picture and lets the next job start."""

from typing import Any

import pytest

from shared.errors import InputModerated
from shared.logs import job_id as logged_job_id
from shared.queue import MAKE_IMAGE, make_celery
from shared.services import Services
from tests.builders import accepted, known
from tests.fakes import RememberingQueue, ScriptedProvider
from tests.worker.bench import IMAGE, workshop
from worker.listening import Taken
from worker.outcomes import JobFailed
from worker.tasks import register


def test_a_task_makes_the_picture_and_dispatches_the_next_job(services: Services) -> None:
    app = make_celery(services.settings)
    job, waiting = accepted(services.store), accepted(services.store)
    task = register(app, services, workshop(services, ScriptedProvider(IMAGE)))
    services.store.heartbeat("w", 1, 60_000)

    assert task(job.id) == "succeeded"
    assert known(services.store, job.id).status == "succeeded"
    assert isinstance(services.queue, RememberingQueue)
    assert services.queue.sent == [waiting.id]
    assert logged_job_id.get() == job.id


def test_the_task_of_a_job_that_failed_has_failed(services: Services) -> None:
    app = make_celery(services.settings)
    job = accepted(services.store)
    refusal = InputModerated("The provider refused the request")
    task = register(app, services, workshop(services, ScriptedProvider(refusal)))

    with pytest.raises(JobFailed, match="failed: input_moderated"):
        task(job.id)

    assert JobFailed in app.tasks[MAKE_IMAGE].throws  # no error in the log, for it is no defect


def test_the_task_is_registered_by_the_name_that_is_sent(services: Services) -> None:
    app = make_celery(services.settings)

    register(app, services, workshop(services, ScriptedProvider()))

    assert MAKE_IMAGE in app.tasks


def test_the_message_of_the_task_is_not_acknowledged_for_redis_has_forgotten_it(
    services: Services,
) -> None:
    app = make_celery(services.settings)

    register(app, services, workshop(services, ScriptedProvider()))

    task: Any = app.tasks[MAKE_IMAGE]
    assert task.Request is Taken
