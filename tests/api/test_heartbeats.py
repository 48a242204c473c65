"""A stream of events over time: heartbeats, outages, events that were lost."""

import time
from dataclasses import replace

import pytest
from flask import request

from api.streams import watch
from api.waiting import Waiting
from shared.jobs import Job
from tests.api.callers import Api
from tests.api.watching import Stream, watching
from tests.builders import accepted, accepted_batch, running, until
from tests.fakes import FlakyStore


def stream_of(api: Api, job: Job, heartbeat: float) -> Stream:
    """Watch a job with heartbeats that are nearer than those of the service."""
    waiting = Waiting(api.services)
    with api.app.test_request_context(f"/jobs/{job.id}/events"):
        answer = watch(job, request, api.services, waiting, heartbeat)
    return Stream(answer.iter_encoded())


def test_a_stream_that_tells_nothing_else_sends_comments(api: Api) -> None:
    stream = stream_of(api, accepted(api.store), 0.05)

    until(lambda: stream.text.count(": still here\n\n") >= 3)

    assert stream.text.count("event: status") == 1
    api.events.close()
    stream.join()


def test_a_heartbeat_is_not_late_because_somebody_was_woken_for_nothing(api: Api) -> None:
    job, begun = accepted(api.store), time.monotonic()
    stream = stream_of(api, job, 0.5)

    while not stream.text.count("still here"):
        api.redis.publish("images:events", f"{job.id} 1 queued")
        assert time.monotonic() - begun < 5
        time.sleep(0.01)

    assert time.monotonic() - begun < 0.9
    api.events.close()
    stream.join()


def test_a_change_of_which_no_event_came_is_found_with_a_heartbeat(api: Api) -> None:
    job = running(api.store)
    stream = stream_of(api, job, 0.05)
    until(lambda: "still here" in stream.text)  # what was asked at the beginning is answered by now

    api.redis.hset(f"images:job:{job.id}", mapping={"revision": 3, "attempts": 1})

    assert [stream.next().body["attempts"] for _ in range(2)] == [0, 1]
    api.events.close()
    stream.join()


@pytest.mark.parametrize("what", ["batch", "whole"])
def test_an_outage_in_mid_stream_breaks_nothing_and_loses_nothing(api: Api, what: str) -> None:
    batch = accepted_batch(api.store, 1)
    index = FlakyStore(api.services.index, acts_first=False, **{what: 0})  # type: ignore[arg-type]
    faint = Api(replace(api.services, index=index), api.redis)  # type: ignore[arg-type]

    with watching(faint, f"/batches/{batch.id}/events") as stream:
        stream.next()
        index.fail_next(what, 2)
        api.store.cancel(batch.jobs)
        (last,) = stream.rest()

    assert (last.id, last.status) == (2, "canceled")


def test_a_job_whose_place_can_not_be_told_is_told_without(api: Api) -> None:
    index = FlakyStore(api.services.index, acts_first=False, outlook=99)  # type: ignore[arg-type]
    faint = Api(replace(api.services, index=index), api.redis)  # type: ignore[arg-type]
    job = accepted(api.store)

    with watching(faint, f"/jobs/{job.id}/events") as stream:
        first = stream.next()

    assert (first.status, first.body["queue_position"]) == ("queued", None)
