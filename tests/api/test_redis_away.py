"""Redis away: 503 within three seconds and never a hang; an accepted job stays accepted."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from shared import embedded_redis
from shared.jobs import new_image_name
from tests.api.callers import LONG, Api, assert_fault, json_of
from tests.api.conftest import away
from tests.api.watching import watching
from tests.builders import accepted, accepted_batch, at_once
from tests.fakes import FlakyStore
from tests.pictures import picture
from tests.redis_server import start, wait_until_it_answers

CALLS: dict[str, Callable[[Api], TestResponse]] = {
    "generate": lambda api: api.generate(),
    "generate and wait": lambda api: api.generate(f"?wait={LONG}"),
    "upscale": lambda api: api.upscale(),
    "batch": lambda api: api.batch("a fox"),
    "batch of images": lambda api: api.batch_of_images(picture()),
    "dry run": lambda api: api.batch("a fox", query="?dry_run=true"),
    "list": lambda api: api.get("/jobs"),
    "list of a batch": lambda api: api.get("/jobs?batch_id=x"),
    "job events": lambda api: api.get("/jobs/x/events"),
    "job cancel": lambda api: api.call("DELETE", "/jobs/x"),
    "job retry": lambda api: api.call("POST", f"/jobs/x/retry?wait={LONG}"),
    "image removal": lambda api: api.call("DELETE", "/jobs/x/image"),
    "batch state": lambda api: api.get(f"/batches/x?wait={LONG}"),
    "batch cancel": lambda api: api.call("DELETE", "/batches/x"),
    "batch events": lambda api: api.get("/batches/x/events"),
    "archive": lambda api: api.get("/batches/x/archive"),
    "job": lambda api: api.get("/jobs/x"),
    "job and wait": lambda api: api.get(f"/jobs/x?wait={LONG}"),
    "image": lambda api: api.get(f"/saved_images/{new_image_name('webp')}"),
    "ready": lambda api: api.get("/readyz"),
}


def timed(call: Callable[[], TestResponse]) -> tuple[TestResponse, float]:
    """Return an answer and how long it took."""
    begun = time.monotonic()
    return call(), time.monotonic() - begun


def assert_unavailable(answer: TestResponse) -> None:
    """Check that an answer says that Redis is away and when to come back."""
    assert_fault(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_redis_that_refuses_is_told_at_once(
    without_redis: Api, call: Callable[[Api], TestResponse]
) -> None:
    answer, seconds = timed(lambda: call(without_redis))

    assert_unavailable(answer)
    assert seconds < 3


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Api]:
    """Give an API whose Redis takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        port = server.getsockname()[1]
        api = away(f"redis://127.0.0.1:{port}/0", tmp_path / "images")
        yield api
        api.events.close()


def test_a_redis_that_is_silent_is_told_within_three_seconds(silent: Api) -> None:
    answers = at_once(lambda call: timed(lambda: call(silent)), CALLS.values())

    for answer, seconds in answers:
        assert_unavailable(answer)
        assert seconds < 3


@pytest.mark.parametrize("query", ["", "?wait=0.1"])
def test_a_redis_that_goes_right_after_it_accepted_is_no_trouble_of_the_callers(
    api: Api, query: str
) -> None:
    store = FlakyStore(api.store, acts_first=False, get=99)
    index = FlakyStore(api.services.index, acts_first=False, outlook=99)  # type: ignore[arg-type]
    faint = Api(replace(api.services, store=store, index=index), api.redis)  # type: ignore[arg-type]

    answer = faint.generate(query)

    assert answer.status_code == 202
    assert api.job(answer).status == "queued"


@pytest.mark.parametrize("query", ["", "?wait=0.1"])
def test_an_accepted_batch_is_told_with_its_jobs_though_redis_goes_right_after(
    api: Api, query: str
) -> None:
    index = FlakyStore(api.services.index, acts_first=False, whole=99, batch=99)  # type: ignore[arg-type]
    faint = Api(replace(api.services, index=index), api.redis)  # type: ignore[arg-type]

    answer = faint.batch("a fox", "a bear", query=query)

    body = json_of(answer)
    assert (answer.status_code, body["status"], body["total"]) == (202, "queued", 2)
    told = api.get(body["status_url"])
    assert json_of(told) == body


def test_a_wrong_request_is_told_so_even_then(without_redis: Api) -> None:
    assert without_redis.generate(prompt="").status_code == 400
    assert without_redis.upscale(b"text").status_code == 400
    assert without_redis.batch("").status_code == 400
    assert without_redis.batch_of_images(b"text").status_code == 400
    assert without_redis.get("/jobs/x?wait=soon").status_code == 400
    assert without_redis.get("/jobs?limit=0").status_code == 400


def test_what_needs_no_redis_goes_on(without_redis: Api) -> None:
    name = new_image_name("webp")
    without_redis.services.images.put(name, picture(form="webp"))

    paths = ["/healthz", "/", f"/saved_images/{name}", "/static/docs.css"]

    assert [without_redis.get(path).status_code for path in paths] == [200] * 4


class Server:
    """A Redis of its own, that can be taken away and brought back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, embedded_redis.prepare(folder)
        self.process = self.begin()

    def begin(self) -> "subprocess.Popen[bytes]":
        """Start it and return when it answers."""
        self.process = start(self.folder)
        wait_until_it_answers(self.url)
        return self.process

    def end(self) -> None:
        """Kill it, as a crash does."""
        self.process.kill()
        self.process.wait(timeout=10)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Give a Redis of its own."""
    server = Server(tmp_path / "redis")
    yield server
    server.end()


@pytest.fixture
def fragile(server: Server, tmp_path: Path) -> Iterator[Api]:
    """Give an API on that Redis, which waits for an image for a second."""
    api = away(server.url, tmp_path / "images", image_wait_seconds=1)
    yield api
    api.events.close()
    with suppress(OSError):
        api.redis.close()


def test_an_accepted_job_stays_accepted_when_redis_goes(fragile: Api, server: Server) -> None:
    answer = fragile.while_waiting(lambda: fragile.generate("?wait=1"), lambda _: server.end())

    assert (answer.status_code, json_of(answer)["status"]) == (202, "queued")
    assert answer.headers["Location"]


@pytest.mark.parametrize("path", ["/jobs/{0.id}?wait=1", "/saved_images/{0.image}"])
def test_who_only_asks_is_held_to_the_deadline_and_then_told(
    fragile: Api, server: Server, path: str
) -> None:
    address = path.format(accepted(fragile.store))

    answer, seconds = timed(
        lambda: fragile.while_waiting(lambda: fragile.get(address), lambda _: server.end())
    )

    assert_unavailable(answer)
    assert 0.95 < seconds < 4


def test_a_redis_that_comes_back_in_time_is_no_trouble(fragile: Api, server: Server) -> None:
    job = accepted(fragile.store, image=new_image_name("webp"))

    def restart(job_id: str) -> None:
        server.end()
        server.begin()
        fragile.succeed(job_id)

    answer, seconds = timed(
        lambda: fragile.while_waiting(lambda: fragile.get(f"/jobs/{job.id}?wait={LONG}"), restart)
    )

    assert json_of(answer)["status"] == "succeeded"
    assert seconds < 10


@pytest.mark.parametrize("kind", ["jobs", "batches"])
def test_a_stream_outlives_a_redis_that_goes_and_comes_back(
    fragile: Api, server: Server, kind: str
) -> None:
    batch = accepted_batch(fragile.store, 1)
    watched = batch.id if kind == "batches" else batch.jobs[0]

    with watching(fragile, f"/{kind}/{watched}/events") as stream:
        assert stream.next().status == "queued"
        server.end()
        assert stream.is_silent()
        server.begin()
        fragile.succeed(batch.jobs[0])
        told = stream.rest()

    assert told[-1].status == "succeeded"


def test_a_redis_that_is_away_is_told_before_anything_is_fetched(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        nowhere = f"redis://127.0.0.1:{embedded_redis.free_port()}/0"
        api = away(nowhere, tmp_path / "images", fetch_allow_private="true")
        body = {"image_url": f"http://127.0.0.1:{hanging.getsockname()[1]}/fox.png"}

        answer, seconds = timed(lambda: api.call("POST", "/upscale_image", json=body))

    assert_unavailable(answer)
    assert seconds < 3
