"""Webhooks of a whole running service with client keys, to receivers of a test's own."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
import requests

from shared.client_keys import webhook_secret_of
from tests.e2e.stack import Stack, eventually
from tests.webhooks import SECRET, verified
from tests.worker.provider_server import Received, never, provider, says

OK = says(204, b"")
ALICE, BOB = "alice-has-this-key", "bob-has-that-key"
HASHED = hashlib.sha256(BOB.encode()).hexdigest()
KEYS = {
    "CLIENT_KEYS": f"alice:{ALICE},bob:sha256:{HASHED}",
    "KEY_LIMITS": '{"bob": {"running": 1}}',
}


@pytest.fixture(scope="module")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Give a stack that may call this machine, and is called as alice."""
    stack = Stack(
        tmp_path_factory.mktemp("stack"),
        WEBHOOK_SECRET=SECRET,
        WEBHOOK_ALLOW_PRIVATE="true",
        SHUTDOWN_GRACE_SECONDS="5",
        **KEYS,
    )
    stack.http.headers["X-API-Key"] = ALICE
    try:
        yield stack.start()
    finally:
        stack.stop()


def told_by(call: Received) -> dict[str, Any]:
    """Return what a call tells alice, signed by her own secret."""
    return verified(call, webhook_secret_of("alice", SECRET))


def deliveries(stack: Stack, path: str) -> dict[str, Any]:
    """Return what became of a webhook."""
    body: dict[str, Any] = stack.get(f"{path}/deliveries").json()
    return body


def test_a_job_and_a_batch_tell_their_end(shared_stack: Stack) -> None:
    stack = shared_stack
    with provider(OK) as server:
        job = stack.generate("told when done", wait=30, webhook_url=f"{server.url}/job").json()
        body = {"jobs": [{"prompt": "a"}, {"prompt": "b"}], "webhook_url": f"{server.url}/batch"}
        batch = stack.http.post(f"{stack.base}/batches", json=body, timeout=30).json()

        eventually(lambda: len(server.received) == 2, what="two calls")
        eventually(lambda: deliveries(stack, batch["status_url"])["status"] == "delivered")

    calls = {call.line.split()[1]: told_by(call) for call in server.received}
    assert calls["/job"]["type"] == "job.succeeded"
    assert calls["/job"]["data"] == stack.job(job["job_id"])
    assert calls["/batch"]["type"] == "batch.finished"
    assert calls["/batch"]["data"] == stack.get(batch["status_url"]).json()
    assert deliveries(stack, job["status_url"])["tries"][0]["status_code"] == 204


def test_a_canceled_job_tells_its_end_and_tells_it_again(shared_stack: Stack) -> None:
    stack = shared_stack
    stack.sandbox_settings(latency=30)
    with provider(says(500, b"")) as server:
        job = stack.generate("canceled and told", wait=0, webhook_url=server.url).json()
        stack.http.delete(f"{stack.base}{job['status_url']}", timeout=10)
        eventually(lambda: deliveries(stack, job["status_url"])["tries"], what="a try")
        server.answer = OK

        again = stack.http.post(f"{stack.base}{job['status_url']}/redeliver", timeout=10)
        told = eventually(lambda: is_delivered(stack, job["status_url"]), what="the delivery")
    stack.sandbox_settings(latency=0.05)

    assert again.status_code == 202
    assert [each["status_code"] for each in told["tries"]] == [500, 204]
    assert {told_by(call)["type"] for call in server.received} == {"job.canceled"}
    assert {call.headers["webhook-id"] for call in server.received} == {f"msg_{job['job_id']}"}


def is_delivered(stack: Stack, path: str) -> dict[str, Any]:
    """Return what became of a webhook once it was delivered."""
    told = deliveries(stack, path)
    return told if told["status"] == "delivered" else {}


def test_a_dead_receiver_delays_neither_jobs_nor_other_receivers(shared_stack: Stack) -> None:
    stack = shared_stack
    with provider(never) as dead, provider(OK) as alive:
        jobs = [{"prompt": f"told to nobody {number}"} for number in range(60)]
        elsewhere = dead.url.replace("127.0.0.1", "localhost")  # one host is one receiver
        body = {"jobs": jobs, "defaults": {"webhook_url": elsewhere}}
        batch = stack.http.post(f"{stack.base}/batches?wait=60", json=body, timeout=90)
        eventually(lambda: len(dead.received) >= 4, what="a full receiver")

        image = stack.generate("told to somebody", wait=20, webhook_url=alive.url)
        eventually(lambda: alive.received, 20, "the call")

    assert batch.json()["status"] == "succeeded"
    assert image.status_code == 200
    assert told_by(alive.received[0])["data"]["job_id"] == image.json()["job_id"]


def test_a_receiver_that_is_not_there_is_called_again_by_itself(shared_stack: Stack) -> None:
    stack = shared_stack
    with provider(says(503, b"")) as server:
        job = stack.generate("told at the second try", wait=30, webhook_url=server.url).json()
        first = eventually(lambda: deliveries(stack, job["status_url"])["tries"], what="a try")
        server.answer = OK
        told = eventually(lambda: is_delivered(stack, job["status_url"]), 15, "the next try")

    assert first[0]["error"] == "The receiver answered 503"
    assert [each["status_code"] for each in told["tries"]] == [503, 204]
    one, other = server.received
    assert told_by(one) == told_by(other)
    assert one.headers["webhook-timestamp"] < other.headers["webhook-timestamp"]


def test_what_a_killed_worker_was_sending_is_sent_again(shared_stack: Stack) -> None:
    stack = shared_stack
    with provider(never) as server:
        job = stack.generate("told by another", wait=30, webhook_url=server.url).json()
        eventually(lambda: server.received, what="the first call")
        stack.kill("worker")
        server.answer = OK

        told = eventually(lambda: is_delivered(stack, job["status_url"]), 60, "the delivery")

    assert [call.headers["webhook-id"] for call in server.received] == [f"msg_{job['job_id']}"] * 2
    assert [each["status_code"] for each in told["tries"]] == [204]


def test_neither_the_secret_nor_a_token_in_an_address_is_printed(shared_stack: Stack) -> None:
    stack, token = shared_stack, secrets.token_hex(8)
    with provider(says(500, b"")) as server:
        url = f"{server.url}/{token}?token={token}"
        job = stack.generate("kept to itself", wait=30, webhook_url=url).json()
        eventually(lambda: deliveries(stack, job["status_url"])["tries"], what="a try")

    assert "receiver=127.0.0.1" in stack.output()
    assert token not in stack.output()
    for kept in (SECRET.removeprefix("whsec_"), ALICE, BOB, HASHED):
        assert kept not in stack.output()


def test_a_key_sees_its_own_and_no_more_of_it_runs_than_may(shared_stack: Stack) -> None:
    stack, bob = shared_stack, {"Authorization": f"Bearer {BOB}"}
    alices = stack.generate("alice's own", wait=30).json()["status_url"]
    body = {"jobs": [{"prompt": f"bob's {number}"} for number in range(3)]}

    with requests.Session() as http:
        http.headers.update(bob)
        hidden = http.get(stack.base + alices, timeout=10)
        batch = http.post(f"{stack.base}/batches?wait=30", json=body, timeout=60).json()
        jobs = http.get(f"{stack.base}/jobs", timeout=10).json()["jobs"]

    assert (hidden.status_code, requests.get(stack.base + alices, timeout=10).status_code) == (
        404,
        401,
    )
    assert batch["status"] == "succeeded"
    lives = sorted((job["started_at"], job["finished_at"]) for job in jobs)
    assert len(lives) == 3
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(lives))


def test_a_service_without_a_secret_says_so(stack: Stack) -> None:
    answer = requests.post(
        f"{stack.base}/generate_image",
        json={"prompt": "a", "webhook_url": "https://hooks.invalid/"},
        timeout=10,
    )

    assert answer.status_code == 400
    assert "WEBHOOK_SECRET is not set" in answer.json()["error"]


def test_one_request_id_leads_from_the_door_through_every_retry_to_the_webhook(
    shared_stack: Stack,
) -> None:
    stack, asked_by = shared_stack, f"traced-{secrets.token_hex(8)}"
    prompt = "a prompt that no log may tell"
    stack.fault("status", status=500)
    with provider(OK) as server:
        job = stack.http.post(
            f"{stack.base}/generate_image?wait=30",
            json={"prompt": prompt, "webhook_url": server.url},
            headers={"X-Request-ID": asked_by},
            timeout=60,
        ).json()
        eventually(lambda: is_delivered(stack, job["status_url"]), what="the delivery")

    def lines() -> list[str]:
        return [line for line in stack.output().splitlines() if f"request_id={asked_by}" in line]

    eventually(lambda: any("delivered a webhook" in line for line in lines()), what="the line")
    events = re.findall(r"(?:api|worker) +(.+?) request_id=", "\n".join(lines()))
    try_again = ["took a job", "calls the provider", "the provider answered"]
    story = ["accepted a job", *try_again, "a call is repeated", *try_again, "made an image"]
    assert sorted(events) == sorted([*story, "delivered a webhook", "request"])
    # what the worker tells comes in its order; the door's own lines come when they come
    told = [event for event in events if event in story[1:]]
    assert told == story[1:]
    assert all(f"job_id={job['job_id']}" in line for line in lines())
    answered = [line for line in lines() if "the provider answered" in line]
    assert "code=500" in answered[0]
    assert "code=200" in answered[1]
    assert f"provider_request_id={job['provider_request_id']}" in answered[1]
    assert prompt not in stack.output()
