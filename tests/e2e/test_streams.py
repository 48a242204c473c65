"""Server-Sent Events through the production server, read by a client library."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
import requests
import sseclient

from tests.e2e.stack import Stack, eventually


@contextmanager
def watching(stack: Stack, path: str, seen: str = "") -> Iterator[Iterator[dict[str, Any]]]:
    """Watch an address; give the events as they come, each with its id."""
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": seen} if seen else {})}
    with requests.get(stack.base + path, headers=headers, stream=True, timeout=30) as answer:
        assert answer.status_code == 200, answer.text
        client = sseclient.SSEClient(cast("Any", answer))
        yield ({"id": event.id, **json.loads(event.data)} for event in client.events())


def test_a_job_is_watched_from_the_queue_to_its_image(stack: Stack) -> None:
    stack.sandbox_settings(latency=1)
    job = stack.generate("watched from the start", wait=0).json()

    moments = []
    with watching(stack, job["events_url"]) as events:
        told = []
        for event in events:
            told.append(event)
            moments.append(time.monotonic())

    statuses = [event["status"] for event in told]
    assert statuses == sorted(statuses, key=["queued", "running", "succeeded"].index)
    assert (statuses[-1], "running" in statuses) == ("succeeded", True)
    assert moments[-1] - moments[0] > 0.5  # told as it came and not all at the end
    assert stack.get(told[-1]["image_url"]).status_code == 200
    assert [event["id"] for event in told] == [str(event["revision"]) for event in told]


def test_a_client_that_comes_back_is_told_the_rest_and_then_not_to_come_back(stack: Stack) -> None:
    stack.sandbox_settings(latency=1)
    job = stack.generate("watched twice", wait=0).json()
    with watching(stack, job["events_url"]) as events:
        first = next(events)

    with watching(stack, job["events_url"], seen=first["id"]) as events:
        rest = list(events)
    answer = stack.get(job["events_url"], headers={"Last-Event-ID": rest[-1]["id"]})

    assert int(first["id"]) < int(rest[0]["id"])
    assert rest[-1]["status"] == "succeeded"
    assert (answer.status_code, answer.content) == (204, b"")


def test_a_batch_is_watched_to_its_end(stack: Stack) -> None:
    entries = [{"prompt": f"watched flock {n}", "output_format": "jpeg"} for n in range(10)]
    batch = stack.http.post(f"{stack.base}/batches", json={"jobs": entries}, timeout=30).json()

    with watching(stack, batch["events_url"]) as events:
        told = list(events)

    assert told[-1]["status"] == "succeeded"
    assert [event["progress"] for event in told] == sorted(event["progress"] for event in told)
    for event in told:
        statuses = [job["status"] for job in event["jobs"]]
        assert event["counts"]["succeeded"] == statuses.count("succeeded")


def test_a_hundred_streams_of_one_job_all_end(stack: Stack) -> None:
    stack.sandbox_settings(latency=2)
    job = stack.generate("watched by a crowd", wait=0).json()
    streams = [
        requests.get(stack.base + job["events_url"], stream=True, timeout=30) for _ in range(100)
    ]

    last = [list(sseclient.SSEClient(cast("Any", stream)).events())[-1] for stream in streams]

    assert {json.loads(event.data)["status"] for event in last} == {"succeeded"}
    for stream in streams:
        stream.close()


@pytest.fixture
def narrow(own_stack: Stack) -> Stack:
    """Give a service whose one web process holds two streams."""
    own_stack.environment |= {"MAX_WAITERS": "2", "WEB_PROCESSES": "1"}
    return own_stack.start(latency=30)


def test_places_are_given_back_by_those_who_leave_before_or_in_the_middle(narrow: Stack) -> None:
    job = narrow.generate("watched in turns", wait=0).json()
    address = narrow.base + job["events_url"]

    def status() -> int:
        with requests.get(address, stream=True, timeout=10) as answer:
            return answer.status_code

    held = [requests.get(address, stream=True, timeout=10) for _ in range(2)]
    full = requests.get(address, timeout=10)
    for answer in held:
        answer.close()
    assert full.status_code == 429
    assert full.headers["Retry-After"]
    eventually(lambda: status() == 200, 5, "a free place")

    for _ in range(20):  # gone before the first byte
        with socket.create_connection(("127.0.0.1", narrow.port)) as peer:
            path = job["events_url"].encode()
            peer.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    eventually(lambda: status() == 200, 5, "a free place")


def test_a_stream_outlives_a_redis_that_dies(stack: Stack) -> None:
    stack.sandbox_settings(latency=4)
    job = stack.generate("watched through the night", wait=0).json()

    with watching(stack, job["events_url"]) as events:
        next(events)
        stack.kill("redis")
        *_, last = events

    assert last["status"] == "succeeded"
    assert len(stack.charged("watched through the night")) == 1
