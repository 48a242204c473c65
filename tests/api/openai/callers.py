"""What programs send to the OpenAI door, and how its answers are read."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from werkzeug.test import TestResponse

from tests.api.callers import LONG, Api, json_of

GENERATIONS = "/v1/images/generations"
Body = dict[str, Any]


def generate(api: Api, headers: dict[str, str] | None = None, /, **fields: Any) -> TestResponse:
    """Ask for images; the prompt is there unless given."""
    return api.call("POST", GENERATIONS, json={"prompt": "a fox", **fields}, headers=headers or {})


def made(api: Api, headers: dict[str, str] | None = None, /, **fields: Any) -> TestResponse:
    """Ask for images, each of which is made as soon as it is waited for."""
    return ended(api, api.succeed, lambda: generate(api, headers, **fields))


def ended(api: Api, end: Callable[[str], object], call: Callable[[], TestResponse]) -> TestResponse:
    """Make a call; end its jobs, once it waits for them; return the answer."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call)
        waited_for = api.events.seen.get(timeout=5)
        batch = api.services.index.batch(waited_for)
        for job_id in batch.jobs if batch else [waited_for]:
            end(job_id)
        return answer.result(timeout=LONG)


def again(count: int = 1) -> dict[str, str]:
    """Return what OpenAI's clients say when they send a request once more."""
    return {"X-Stainless-Retry-Count": str(count)}


def error_of(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the error of an answer that must have this status and the shape of that API."""
    body = json_of(answer)
    assert answer.status_code == status, body
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return error
