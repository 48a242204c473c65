"""A creative upscale from end to end: it cooks for long, holds no place meanwhile, and is paid once."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from shared.image_file import inspect
from tests.e2e.stack import Stack, eventually
from tests.pictures import picture


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack whose one worker makes one image at a time."""
    stack = Stack(
        tmp_path_factory.mktemp("stack"), WORKER_CONCURRENCY="1", SHUTDOWN_GRACE_SECONDS="5"
    )
    try:
        yield stack.start()
    finally:
        stack.stop()


def creative(stack: Stack, prompt: str) -> dict[str, Any]:
    """Return an accepted creative upscale."""
    answer = requests.post(
        f"{stack.base}/upscale_image",
        files={"image": ("small.png", picture(128, 96))},
        data={"mode": "creative", "prompt": prompt, "output_format": "jpeg"},
        timeout=10,
    )
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def test_other_jobs_end_while_it_cooks_and_it_is_asked_for_politely(stack: Stack) -> None:
    # done before it is asked for the second time
    stack.sandbox_settings(latency={"creative_start": 0.1, "creative_cook": 11})
    cooks = creative(stack, "a meadow reimagined")

    others = [stack.generate(f"meanwhile {n}").json()["status"] for n in range(2)]
    meanwhile = stack.job(cooks["job_id"])
    done = stack.ended(cooks["job_id"])

    assert others == ["succeeded", "succeeded"]
    assert (meanwhile["status"], meanwhile["attempts"]) == ("running", 1)
    assert (done["status"], done["credits"], done["attempts"]) == ("succeeded", 60, 1)
    assert done["revision"] == meanwhile["revision"] + 1
    assert inspect(stack.get(done["image_url"]).content).width == done["image"]["width"] > 128
    assert done["timings"]["provider_ms"] > 11_000
    assert len(stack.charged("a meadow reimagined")) == 1
    stats = stack.stats()
    assert stats["calls"]["results"] == {"202": 1, "200": 1}
    assert (stats["early_polls"], stats["rate_limited"]) == (0, 0)


def test_a_worker_killed_while_it_cooks_costs_no_second_start(stack: Stack) -> None:
    stack.sandbox_settings(latency={"creative_start": 0.1, "creative_cook": 3})
    cooks = creative(stack, "survives its worker")
    # the one place is free again: the job is parked
    assert stack.generate("takes the place").json()["status"] == "succeeded"

    killed = stack.kill("worker")
    eventually(lambda: stack.pid("worker") not in {0, killed}, what="another worker")
    done = stack.ended(cooks["job_id"])

    assert (done["status"], done["credits"], done["attempts"]) == ("succeeded", 60, 1)
    assert len(stack.charged("survives its worker")) == 1
    assert stack.stats()["early_polls"] == 0
