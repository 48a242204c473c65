"""A process is killed between two steps of a job's life: nothing is lost, nothing paid twice unknown."""

import json
import multiprocessing
import os
import signal
import socket
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from shared.job_index import Wanted
from shared.jobs import Job, input_name, new_job_id
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import PLACES, accepted, dispatched, known
from tests.folders import folder_of
from tests.pictures import picture
from tests.worker.bench import upscale, workshop
from tests.worker.dying import Point, api_dies, worker_dies
from tests.worker.kitchen import creative
from tests.worker.provider_server import ProviderServer, never, provider, says
from worker.make_image import make_image
from worker.retention import tidy
from worker.stability import Stability
from worker.sweep import sweep

ONE = picture(256, 256)
JSON = {"Content-Type": "application/json"}
BEGUN = says(200, json.dumps({"id": "0123456789abcdef" * 4}).encode(), JSON)
Order = Callable[[Services], Job]


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    """Give a provider that makes every image, and begins those that cook."""
    with provider(never) as server:

        def answer(connection: socket.socket, over: threading.Event) -> None:
            begins = "upscale/creative" in server.received[-1].line
            (BEGUN if begins else says(200, ONE))(connection, over)

        server.answer = answer
        yield server


@pytest.fixture
def services(services: Services, server: ProviderServer) -> Services:
    """Give services whose workers call that provider."""
    settings = services.settings.model_copy(update={"sandbox_url": server.url})
    return replace(services, settings=settings)


def recover(services: Services, redis: "Redis", job: Job) -> Job:
    """Let leases, pauses and messages be overdue until the job has ended; return it."""
    shop = workshop(services, Stability(services.settings.provider_url, 10))
    services.store.heartbeat("another", 100, 60_000)
    for _ in range(6):
        for place in PLACES:
            redis.zadd(f"{PREFIX}{place}", {job.id: 1}, xx=True)
        sweep(services)
        services.store.dispatch()
        make_image(job.id, shop)
        if known(services.store, job.id).terminal:
            break
    return known(services.store, job.id)


def told(value: object) -> str:
    """Return what a case is called."""
    return getattr(value, "__name__", str(value))


def paid(server: ProviderServer) -> int:
    """Return how many calls came that the provider takes credits for."""
    return sum(received.line.startswith("POST") for received in server.received)


def cheap(services: Services) -> Job:
    """Return an accepted job that may be bought a second time."""
    return accepted(services.store)


def conservative(services: Services) -> Job:
    """Return an accepted job that costs more than may be risked twice."""
    request = {"mode": "conservative", "prompt": "a fox", "output_format": "png"}
    job_id = new_job_id()
    changes: dict[str, Any] = {
        "operation": "upscale/conservative",
        "variant": "conservative",
        "estimate": 40_000,
    }
    return upscale(services, id=job_id, input=input_name(job_id, "png"), request=request, **changes)


@pytest.mark.parametrize(
    ("order", "point", "ended"),
    # status, attempts, calls with an unknown outcome, paid calls
    [
        # nothing was sent: free to go again
        (cheap, Point("before", "store", "claim"), ("succeeded", 1, 0, 1)),
        (cheap, Point("after", "store", "claim"), ("succeeded", 1, 0, 1)),
        (cheap, Point("before", "store", "begin_call"), ("succeeded", 1, 0, 1)),
        # noted as sent, and nobody knows whether it was: a cheap one is repeated once, a dear one is not
        (cheap, Point("after", "store", "begin_call"), ("succeeded", 2, 1, 1)),
        (conservative, Point("after", "store", "begin_call"), ("failed", 1, 0, 0)),
        # answered, and the answer died with the worker
        (cheap, Point("after", "provider", "call"), ("succeeded", 2, 1, 2)),
        (conservative, Point("after", "provider", "call"), ("failed", 1, 0, 1)),
        (cheap, Point("before", "images", "put"), ("succeeded", 2, 1, 2)),
        (cheap, Point("before", "os", "link"), ("succeeded", 2, 1, 2)),
        # written: what is on disk finishes the job
        (cheap, Point("after", "os", "link"), ("succeeded", 1, 0, 1)),
        (cheap, Point("after", "images", "put"), ("succeeded", 1, 0, 1)),
        (conservative, Point("after", "images", "put"), ("succeeded", 1, 0, 1)),
        # marked
        (cheap, Point("after", "store", "succeed"), ("succeeded", 1, 0, 1)),
        (conservative, Point("before", "images", "delete_input"), ("succeeded", 1, 0, 1)),
        # begun: with the id stored it is only asked for, and without it never begun again
        (creative, Point("after", "provider", "start"), ("failed", 1, 0, 1)),
        (creative, Point("after", "store", "park"), ("succeeded", 1, 0, 1)),
    ],
    ids=told,
)  # fmt: skip
def test_a_worker_is_killed(
    services: Services,
    redis_client: "Redis",
    server: ProviderServer,
    order: Order,
    point: Point,
    ended: tuple[str, int, int, int],
) -> None:
    job = order(services)
    dispatched(services.store, job)
    worker_dies(point, services.settings, job.id)

    after = recover(services, redis_client, job)

    assert (after.status, after.attempts, after.unknown, paid(server)) == ended
    assert services.index.counts().get("calls_repeated_unknown_outcome", 0) == after.unknown
    if after.status == "succeeded":
        assert (folder_of(services.images) / job.image).read_bytes() == ONE
        assert after.credits == job.estimate
    else:
        assert (after.error_code, after.credits) == ("outcome_unknown", None)
    assert_nothing_is_left(services)


@pytest.mark.parametrize("point", [("after", "provider", "result"), ("after", "images", "put")])
def test_a_worker_that_asked_for_a_result_is_killed(
    services: Services,
    redis_client: "Redis",
    server: ProviderServer,
    point: tuple[str, str, str],
) -> None:
    job = creative(services)
    make_image(job.id, workshop(services, Stability(server.url, 10)))
    redis_client.zadd(f"{PREFIX}parked", {job.id: 1})
    dispatched(services.store, job)
    worker_dies(Point(*point), services.settings, job.id)  # type: ignore[arg-type]

    after = recover(services, redis_client, job)

    assert (after.status, after.credits, after.unknown, paid(server)) == ("succeeded", 60_000, 0, 1)


@pytest.mark.parametrize(
    ("order", "ended"),
    [(cheap, ("succeeded", 2, 1, 2)), (conservative, ("failed", 1, 0, 1))],
)
def test_a_worker_is_killed_while_the_provider_works(
    services: Services,
    redis_client: "Redis",
    server: ProviderServer,
    order: Order,
    ended: tuple[str, int, int, int],
) -> None:
    answer = server.answer

    def kill(connection: socket.socket, over: threading.Event) -> None:
        server.answer = answer
        (caller,) = multiprocessing.active_children()
        os.kill(caller.pid or 0, signal.SIGKILL)

    server.answer = kill
    job = order(services)
    worker_dies(Point("after", "provider", "call"), services.settings, job.id)

    after = recover(services, redis_client, job)

    assert (after.status, after.attempts, after.unknown, paid(server)) == ended


@pytest.mark.parametrize(
    ("point", "slots"),
    [
        # recorded, and not started, since no worker was free
        (Point("after", "store", "accept"), 0),
        # recorded and started in one step, and no worker was told
        (Point("after", "store", "accept"), 100),
        # a worker was told, and the caller was not answered
        (Point("after", "queue", "send"), 100),
    ],
    ids=told,
)
def test_an_api_that_has_accepted_is_killed(
    services: Services, redis_client: "Redis", server: ProviderServer, point: Point, slots: int
) -> None:
    services.store.heartbeat("another", slots, 60_000)
    body = {"prompt": "a fox", "output_format": "png", "idempotency_key": "k"}
    api_dies(point, services.settings, "/generate_image", body)
    (job,) = services.index.newest(Wanted(""))

    after = recover(services, redis_client, job)

    assert (after.status, after.attempts, paid(server)) == ("succeeded", 1, 1)


def test_an_api_that_has_not_accepted_leaves_nothing(services: Services) -> None:
    body = {"image_url": f"data:image/png;base64,{b64encode(ONE).decode()}"}
    api_dies(Point("before", "store", "accept"), services.settings, "/upscale_image", body)

    assert services.index.depth().waiting == 0
    assert len(inputs(services)) == 1
    assert_nothing_is_left(services)


def test_an_api_that_has_accepted_a_batch_is_killed(
    services: Services, redis_client: "Redis", server: ProviderServer
) -> None:
    body = {"jobs": [{"prompt": f"fox {number}", "output_format": "png"} for number in range(5)]}
    api_dies(Point("after", "store", "accept_batch"), services.settings, "/batches", body)
    jobs = services.index.newest(Wanted(""))

    ended = [recover(services, redis_client, job).status for job in jobs]

    assert (ended, paid(server)) == (["succeeded"] * 5, 5)


def assert_nothing_is_left(services: Services) -> None:
    """Check that, an hour later, no half of a file is there, nor an input that nobody needs."""
    for file in folder_of(services.images).rglob("*"):
        os.utime(file, (1, 1))
    tidy(services)

    assert list(folder_of(services.images).rglob(".writing-*")) == []
    needed = [
        job.input
        for job in services.index.newest(Wanted(""))
        if job.status == "failed" and job.input
    ]
    assert inputs(services) == needed


def inputs(services: Services) -> list[str]:
    """Return the names of the inputs that are kept."""
    return [file.name for file in Path(folder_of(services.images), "inputs").glob("*")]
