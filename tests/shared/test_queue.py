"""The queue carries a job's id and nothing else, and its settings have their reasons."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import NAMESPACES, flatten
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.job_store import JobStore
from shared.queue import MAKE_IMAGE, QUEUE, TaskQueue, celery_settings, dispatch, make_celery
from shared.scripts import PREFIX
from shared.settings import Settings, load_settings
from tests.builders import accepted, known, places
from tests.fakes import RememberingQueue


@pytest.fixture
def app(settings: Settings) -> Iterator[Celery]:
    """Give a Celery app on the real server."""
    app = make_celery(settings)
    yield app
    app.close()


class BrokenQueue(RememberingQueue):
    """A queue whose first message can't be sent."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error

    def send(self, job_id: str) -> None:
        """Raise once, then remember."""
        if self.error:
            error, self.error = self.error, None
            raise error
        super().send(job_id)


def test_a_message_carries_the_id_of_its_job_and_nothing_else(
    app: Celery, redis_client: "Redis"
) -> None:
    TaskQueue(app).send("a" * 32)

    raw = redis_client.lpop(f"celery:{QUEUE}")
    message = json.loads(str(raw))
    args, kwargs, _ = json.loads(base64.b64decode(message["body"]))
    assert (args, kwargs) == (["a" * 32], {})
    assert (message["headers"]["task"], message["headers"]["id"]) == (MAKE_IMAGE, "a" * 32)
    assert message["content-type"] == "application/json"


def test_a_provider_call_ends_long_before_its_message_would_come_again(settings: Settings) -> None:
    conf = celery_settings(settings)
    again = conf["broker_transport_options"]["visibility_timeout"]

    assert settings.provider_timeout_seconds < again
    assert conf["visibility_timeout"] == again


def test_a_message_is_forgotten_when_it_is_taken_and_taken_only_by_who_has_a_free_slot(
    settings: Settings,
) -> None:
    conf = celery_settings(settings)
    (queue,) = conf["task_queues"]

    assert (queue.name, queue.no_ack) == (QUEUE, True)
    assert conf["worker_disable_prefetch"] is True


def test_only_json_is_taken(settings: Settings) -> None:
    conf = celery_settings(settings)

    assert conf["accept_content"] == [conf["task_serializer"]] == ["json"]


def test_no_send_hangs_on_a_server_that_is_away(settings: Settings) -> None:
    transport = celery_settings(settings)["broker_transport_options"]

    assert 0 < transport["socket_connect_timeout"] <= transport["socket_timeout"] <= 5


def test_a_worker_outlives_any_outage(settings: Settings) -> None:
    conf = celery_settings(settings)

    assert conf["broker_connection_max_retries"] is None
    assert conf["worker_cancel_long_running_tasks_on_connection_loss"] is False


def test_threads_hold_as_many_calls_as_are_set() -> None:
    conf = celery_settings(load_settings(None, worker_concurrency=7))

    assert (conf["worker_pool"], conf["worker_concurrency"]) == ("threads", 7)


def test_every_setting_is_one_that_celery_knows(settings: Settings) -> None:
    options: Any = flatten(NAMESPACES)
    names = {name for name, _ in options}

    assert set(celery_settings(settings)) - {"visibility_timeout"} <= names


def test_dispatching_sends_the_jobs_that_can_start(store: JobStore) -> None:
    queue, job = RememberingQueue(), accepted(store)
    assert dispatch(store, queue) == 0

    store.heartbeat("w", 1, 60_000)

    assert dispatch(store, queue) == 1
    assert queue.sent == [job.id]


@pytest.mark.parametrize(
    "error", [OperationalError("away"), RedisConnectionError("away"), OSError("away")]
)
def test_a_message_that_cannot_be_sent_keeps_nobody_waiting_and_loses_no_job(
    store: JobStore, redis_client: "Redis", error: Exception
) -> None:
    jobs = {accepted(store).id, accepted(store).id}
    store.heartbeat("w", 9, 60_000)
    queue = BrokenQueue(error)

    assert dispatch(store, queue) == 2

    assert queue.sent == []  # the second was not even tried
    for lost in jobs:
        assert places(redis_client, lost) == ["dispatched"]
        redis_client.zadd(f"{PREFIX}dispatched", {lost: 1})
    assert store.sweep("s", 1).put_back == 2
    assert dispatch(store, queue) == 2
    assert set(queue.sent) == jobs


def test_a_queue_that_is_away_is_told_and_the_job_waits(store: JobStore) -> None:
    app = make_celery(load_settings(None, redis_url="redis://127.0.0.1:1/0"))
    job = accepted(store)
    store.heartbeat("w", 1, 60_000)

    assert dispatch(store, TaskQueue(app)) == 1
    assert known(store, job.id).status == "queued"
