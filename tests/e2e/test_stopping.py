"""A worker stops within a bound, loses nothing by it, and is restarted when it hears no more."""

import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
import requests

from shared.queue import QUEUE, make_celery
from shared.settings import load_settings
from tests.e2e.stack import Stack, alive, eventually

GRACE = 5


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack whose workers these tests stop."""
    stack = Stack(tmp_path_factory.mktemp("stack"), SHUTDOWN_GRACE_SECONDS=str(GRACE))
    try:
        yield stack.start()
    finally:
        stack.stop()


def restarted(stack: Stack, part: str, killed: int) -> int:
    """Return the process id of a part that runs again."""
    return eventually(
        lambda: pid if (pid := stack.pid(part)) not in {0, killed} else 0, 60, f"another {part}"
    )


def made(stack: Stack, prompt: str) -> str:
    """Ask with one key until the image is there, as callers may; return the job's id."""

    def ask() -> str:
        try:
            answer = stack.generate(prompt, wait=30, idempotency_key=prompt)
        except requests.RequestException:
            return ""
        return str(answer.json()["job_id"]) if answer.status_code == 200 else ""

    return eventually(ask, 60, "an image")


def test_a_call_that_outlasts_the_grace_is_cut_and_its_job_taken_up_at_once(stack: Stack) -> None:
    stack.sandbox_settings(latency=30, jitter=0)
    job_id = stack.generate("cut by a stop", wait=0).json()["job_id"]
    eventually(lambda: stack.job(job_id)["attempts"] == 1, what="the call")

    begun = time.monotonic()
    stopped = stack.kill("worker", signal.SIGTERM)
    stack.sandbox_settings(latency=0.05)
    eventually(lambda: not alive(stopped), GRACE + 10, "the end of the worker")
    seconds = time.monotonic() - begun
    job = stack.ended(job_id, 60)

    assert GRACE <= seconds < GRACE + 5
    assert (job["status"], job["attempts"]) == ("succeeded", 2)
    # not after a lease of 30 s
    assert time.monotonic() - begun < 22
    assert "stopped in the middle of calls" in stack.output()


def test_a_rolling_restart_under_load_loses_nothing_and_pays_nothing_twice(stack: Stack) -> None:
    stack.sandbox_settings(latency=1, jitter=0.5)
    prompts = [f"rolled over {number}" for number in range(80)]

    with stack.another_worker() as second, ThreadPoolExecutor(10) as callers:
        asked = [callers.submit(made, stack, prompt) for prompt in prompts]
        eventually(lambda: sum(map(Future.done, asked)) > 5, what="some images")
        for part in ("worker", "api"):
            restarted(stack, part, stack.kill(part, signal.SIGTERM))
        second.terminate()
        assert not all(map(Future.done, asked))
        job_ids = [one.result() for one in asked]
    ended = [stack.ended(job_id) for job_id in job_ids]

    assert {(job["status"], job["attempts"]) for job in ended} == {("succeeded", 1)}
    assert len({job["job_id"] for job in ended}) == len(prompts)
    assert [len(stack.charged(prompt)) for prompt in prompts] == [1] * len(prompts)


def test_a_worker_that_was_made_deaf_hears_again_by_itself(stack: Stack) -> None:
    stack.sandbox_settings(latency=0.05, jitter=0)
    deaf = stack.pid("worker")
    with make_celery(load_settings(None, redis_url=stack.redis_url)) as celery:
        celery.control.cancel_consumer(QUEUE, reply=True, timeout=5)
        job_id = stack.generate("for deaf ears", wait=0).json()["job_id"]

        job = stack.ended(job_id, 30)

    assert (job["status"], job["attempts"]) == ("succeeded", 1)
    assert alive(deaf)


def test_a_folder_that_comes_back_is_written_to_by_workers_that_took_no_message_meanwhile(
    stack: Stack,
) -> None:
    aside = stack.images.rename(stack.images.with_name("aside"))
    stack.images.write_text("no folder")
    eventually(lambda: "no worker can keep images" in stack.get("/readyz").text)
    job = stack.generate("until there is room", wait=0).json()
    waiting = stack.job(job["job_id"])
    stack.images.unlink()
    aside.rename(stack.images)

    ended = stack.ended(job["job_id"], 20)

    assert (waiting["status"], waiting["attempts"]) == ("queued", 0)
    assert waiting["message"].startswith("The service can't keep images now")
    assert (ended["status"], ended["attempts"]) == ("succeeded", 1)
