"""Batches through the running service: made, fetched in one file, canceled, too large."""

import io
import json
import zipfile
from typing import Any

import pytest
import requests

from tests.e2e.stack import Stack, eventually
from tests.pictures import picture

MEBIBYTE = 1024 * 1024


def submit(stack: Stack, *prompts: str, wait: float = 0, **fields: Any) -> dict[str, Any]:
    """Submit a batch of prompts; return it as it was answered."""
    entries = [{"prompt": prompt, "output_format": "jpeg"} for prompt in prompts]
    answer = stack.http.post(
        f"{stack.base}/batches",
        params={"wait": wait},
        json={"jobs": entries, **fields},
        timeout=150,
    )
    assert answer.status_code in {200, 202}, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_a_batch_is_made_and_fetched_in_one_file_and_each_image_is_paid_once(stack: Stack) -> None:
    prompts = [f"batch of foxes {number}" for number in range(20)]

    batch = submit(stack, *prompts, wait=60)
    archive = stack.get(f"/batches/{batch['batch_id']}/archive")

    assert (batch["status"], batch["counts"]["succeeded"], batch["progress"]) == (
        "succeeded",
        20,
        1,
    )
    assert batch["credits"] == batch["credits_estimate"] == 60
    assert [len(stack.charged(prompt)) for prompt in prompts] == [1] * 20
    zipped = zipfile.ZipFile(io.BytesIO(archive.content))
    assert zipped.testzip() is None
    manifest = json.loads(zipped.read("manifest.json"))
    for number, (job, prompt) in enumerate(zip(manifest["jobs"], prompts, strict=True), start=1):
        assert (job["file"], job["request"]["prompt"]) == (f"{number:03}.jpg", prompt)
        assert zipped.read(job["file"]) == stack.get(job["image_url"]).content


def test_a_hundred_pictures_of_a_form_are_enlarged(stack: Stack) -> None:
    files = [("image", (f"{n}.png", picture(32 + n % 32, 64), "image/png")) for n in range(100)]

    answer = stack.http.post(
        f"{stack.base}/batches?wait=110", files=files, data={"output_format": "jpeg"}, timeout=150
    )

    body = answer.json()
    assert (answer.status_code, body["counts"]["succeeded"]) == (200, 100), body["message"]
    first = stack.job(body["jobs"][0]["job_id"])
    assert (first["image"]["width"], first["image"]["height"]) == (128, 256)


def test_one_job_that_fails_leaves_the_others_alone(stack: Stack) -> None:
    refused = "[sandbox:moderated] a lonely fault"

    batch = submit(stack, "good one", refused, "good two", wait=60)

    assert (batch["status"], batch["counts"]["failed"]) == ("partial", 1)
    assert batch["jobs"][1]["error_code"] == "input_moderated"
    assert [job["status"] for job in batch["jobs"]] == ["succeeded", "failed", "succeeded"]


def test_a_batch_that_is_canceled_buys_nothing_more(stack: Stack) -> None:
    stack.sandbox_settings(latency=3)
    prompts = [f"too many hares {number}" for number in range(60)]
    batch = submit(stack, *prompts)
    path = f"{stack.base}/batches/{batch['batch_id']}"
    eventually(lambda: stack.get(batch["status_url"]).json()["counts"]["running"], what="a start")

    answer = stack.http.delete(path, timeout=10)
    again = stack.http.delete(path, timeout=10)

    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert again.status_code == 409
    urls = [stack.job(job["job_id"]) for job in answer.json()["jobs"]]
    assert {job["image_url"] for job in urls} == {None}

    def settled() -> bool:
        jobs = [stack.job(job["job_id"]) for job in answer.json()["jobs"]]
        return all(job["credits"] is not None for job in jobs)

    eventually(settled, what="what the calls under way cost")
    charged = sum(len(stack.charged(prompt)) for prompt in prompts)
    assert stack.get(batch["status_url"]).json()["credits"] == 3 * charged
    assert charged < 60


def test_a_job_that_failed_is_done_again(stack: Stack) -> None:
    stack.fault("moderated")
    job = stack.generate("second time lucky").json()

    answer = stack.http.post(f"{stack.base}/jobs/{job['job_id']}/retry?wait=30", timeout=60)

    assert job["status"] == "failed"
    assert (answer.status_code, answer.json()["retry_of"]) == (200, job["job_id"])
    assert stack.get(answer.json()["image_url"]).status_code == 200


@pytest.mark.parametrize(
    ("kind", "size"),
    [("application/json", 33 * MEBIBYTE), ("multipart/form-data; boundary=b", 101 * MEBIBYTE)],
)
def test_a_request_that_is_too_large_is_told_so(stack: Stack, kind: str, size: int) -> None:
    answer = requests.post(
        f"{stack.base}/batches", data=bytes(size), headers={"Content-Type": kind}, timeout=60
    )

    assert (answer.status_code, answer.json()["error_code"]) == (413, "payload_too_large")


def test_a_batch_is_finished_and_counted_right_though_redis_dies(stack: Stack) -> None:
    stack.sandbox_settings(latency=2)
    prompts = [f"a long way {number}" for number in range(12)]
    batch = submit(stack, *prompts, defaults={"model": "core"})
    path = batch["status_url"]
    eventually(lambda: stack.get(path).json()["counts"]["running"], what="a start")

    stack.kill("redis")

    def ended() -> bool:
        answer = stack.get(f"{path}?wait=5")
        return answer.status_code == 200 and bool(answer.json()["finished_at"])

    eventually(ended, 90, "the end of the batch")
    body = stack.get(path).json()
    assert body["counts"]["succeeded"] == 12, body
    assert [len(stack.charged(prompt)) for prompt in prompts] == [1] * 12
