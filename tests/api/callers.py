"""Call the API in this process, and end its jobs while somebody waits for them."""

import io
import json
import queue
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from redis import Redis
from werkzeug.test import TestResponse

from api.app import create_app
from shared.events import Events
from shared.image_store import INPUTS
from shared.jobs import Job
from shared.services import Services
from tests.api.conformity import conform
from tests.builders import CLAIM, LEASE_MS, known
from tests.fakes import RememberingQueue
from tests.folders import folder_of
from tests.pictures import picture

RESULT = {"format": "webp", "width": 1536, "height": 1536, "bytes": 183_224, "seed": 7}
# Longer than any test may take: whoever really waits that long has failed.
LONG = 20


class SeenEvents(Events):
    """Events that tell who waits; `before` is called with the job's id just before a wait begins."""

    def __init__(self, redis: "Redis") -> None:
        super().__init__(redis)
        self.seen: queue.Queue[str] = queue.Queue()
        self.before: Callable[[str], object] | None = None

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Event]:
        """Wait for a job as ever, and say so."""
        if self.before:
            self.before(job_id)
        with super().watch(job_id) as event:
            self.seen.put(job_id)
            yield event


class Api:
    """An app and what stands behind it, called as by a client."""

    def __init__(self, services: Services, redis: "Redis") -> None:
        assert isinstance(services.queue, RememberingQueue)
        assert isinstance(services.events, SeenEvents)
        self.services, self.redis = services, redis
        self.queue, self.events, self.store = services.queue, services.events, services.store
        self.app = create_app(services)

    def call(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send one request; every call is a client of its own, so threads may do it at once.

        Every answer must be one that the document allows.
        """
        answer = self.app.test_client().open(path, method=method, buffered=True, **options)
        conform(self.app.url_map, method, path, answer)
        return answer

    def get(self, path: str, **headers: str) -> TestResponse:
        """Get an address; `If_None_Match="x"` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("GET", path, headers=named)

    def generate(self, query: str = "", prefer: str = "", /, **fields: Any) -> TestResponse:
        """Ask for an image by JSON; the prompt is there unless given."""
        headers = {"Prefer": prefer} if prefer else {}
        body = {"prompt": "a fox", **fields}
        return self.call("POST", f"/generate_image{query}", json=body, headers=headers)

    def generate_form(self, **fields: str) -> TestResponse:
        """Ask for an image by a form."""
        return self.call("POST", "/generate_image", data={"prompt": "a fox", **fields})

    def generate_raw(self, body: str | bytes, kind: str = "application/json") -> TestResponse:
        """Ask for an image with exactly these bytes."""
        return self.call("POST", "/generate_image", data=body, content_type=kind)

    def upscale(self, image: bytes | None = None, /, **fields: Any) -> TestResponse:
        """Ask to enlarge a picture, by default a small good one; bytes among fields are files."""
        given = {"image": picture() if image is None else image, **fields}
        data = {
            name: (io.BytesIO(value), "a.png") if isinstance(value, bytes) else value
            for name, value in given.items()
        }
        return self.call("POST", "/upscale_image", data=data, content_type="multipart/form-data")

    def batch(self, *jobs: Any, query: str = "", key: str = "", **fields: Any) -> TestResponse:
        """Ask for a batch of images by JSON; a text stands for a job with that prompt."""
        entries = [{"prompt": job} if isinstance(job, str) else job for job in jobs]
        headers = {"Idempotency-Key": key} if key else {}
        body = {"jobs": entries, **fields}
        return self.call("POST", f"/batches{query}", json=body, headers=headers)

    def batch_of_images(self, *images: bytes, query: str = "", **fields: str) -> TestResponse:
        """Ask to enlarge several pictures by a form."""
        files = [(io.BytesIO(image), f"{number}.png") for number, image in enumerate(images)]
        data = {"image": files, **fields}
        return self.call("POST", f"/batches{query}", data=data, content_type="multipart/form-data")

    def jobs(self, answer: TestResponse) -> list[Job]:
        """Return the jobs of the batch that an answer is about, as the store has them."""
        return [known(self.store, told["job_id"]) for told in json_of(answer)["jobs"]]

    def job(self, answer: TestResponse) -> Job:
        """Return the job that an answer is about, as the store has it."""
        return known(self.store, json_of(answer)["job_id"])

    def inputs(self) -> list[Path]:
        """Return what was kept of uploads."""
        return list((folder_of(self.services.images) / INPUTS).glob("*"))

    def is_empty(self) -> bool:
        """Tell whether nothing at all was accepted."""
        return self.redis.dbsize() == 0 and not self.inputs() and not self.queue.sent

    def while_waiting(
        self, call: Callable[[], TestResponse], act: Callable[[str], object]
    ) -> TestResponse:
        """Make a call that waits; act on its job, by id, once it does; return the answer."""
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(call)
            act(self.events.seen.get(timeout=5))
            return answer.result(timeout=LONG)

    def succeed(self, job_id: str) -> None:
        """End a job well, as a worker does: the image first."""
        job = self.store.claim(job_id, CLAIM, LEASE_MS)
        assert job is not None
        self.services.images.put(job.image, picture(form="webp"))
        assert self.store.succeed(job_id, result=RESULT, credits=3_000, provider_ms=5)

    def fail(self, job_id: str, **fields: Any) -> None:
        """End a queued job badly."""
        ending = {"error": "It went wrong", "error_code": "provider_error", "credits": 0, **fields}
        assert self.store.fail(job_id, "", **ending)


def json_of(answer: TestResponse) -> dict[str, Any]:
    """Return the JSON object of an answer."""
    body = json.loads(answer.get_data())
    assert isinstance(body, dict)
    return body


def errors_of(answer: TestResponse) -> dict[str, str]:
    """Return {field: error} of an answer that must be a 400 of the one shape."""
    body = json_of(answer)
    assert (answer.status_code, body["error_code"]) == (400, "invalid_request"), body
    assert body["error"] == body["errors"][0]["error"]
    assert body["request_id"] == answer.headers["X-Request-ID"]
    return {fault["field"]: fault["error"] for fault in body["errors"]}


def assert_fault(answer: TestResponse, status: int, code: str) -> None:
    """Check an answer's status and that its body has the shape of every fault."""
    body = json_of(answer)
    assert (answer.status_code, body["error_code"]) == (status, code), body
    assert answer.content_type == "application/json"
    assert isinstance(body["error"], str)
    assert len(body["error"]) > 10
    assert body["request_id"] == answer.headers["X-Request-ID"]
