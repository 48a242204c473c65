"""Server-Sent Events: how a job or a batch stands, at once, at each change, until it has ended."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from shared.jobs import Job
from shared.moves import Release
from tests.api.callers import Api, assert_fault, json_of
from tests.api.conftest import Start
from tests.api.watching import open_stream, watching
from tests.builders import CLAIM, LEASE_MS, accepted, accepted_batch, running
from tests.fakes import FlakyStore


def events_of(job: Job) -> str:
    """Return where a job is watched."""
    return f"/jobs/{job.id}/events"


def test_the_state_is_told_at_once_as_it_is_told_elsewhere(api: Api) -> None:
    job = accepted(api.store)

    with watching(api, events_of(job)) as stream:
        first = stream.next()

    assert (first.event, first.id) == ("status", 1)
    assert first.body == json_of(api.get(f"/jobs/{job.id}"))


def test_a_stream_is_of_the_right_type_and_kept_by_nobody(api: Api) -> None:
    answer = open_stream(api, events_of(accepted(api.store)))

    assert answer.content_type == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Accel-Buffering"] == "no"
    answer.close()


def test_each_change_is_an_event_and_the_last_one_ends_the_stream(api: Api) -> None:
    job = accepted(api.store)

    with watching(api, events_of(job)) as stream:
        assert stream.next().status == "queued"
        api.store.claim(job.id, CLAIM, LEASE_MS)
        began = stream.next()
        api.store.release(job.id, CLAIM, Release())
        back = stream.next()
        api.succeed(job.id)
        *_, end = stream.rest()

    assert (began.status, back.status, end.status) == ("running", "queued", "succeeded")
    assert (began.id, back.id, end.id) == (2, 3, 5)
    assert end.body["image"]["width"] == 1536


@pytest.mark.parametrize("end", ["succeed", "fail"])
def test_a_job_that_has_ended_is_told_once(api: Api, end: str) -> None:
    job = accepted(api.store)
    getattr(api, end)(job.id)

    with watching(api, events_of(job)) as stream:
        (only,) = stream.rest()

    assert only.body == json_of(api.get(f"/jobs/{job.id}"))
    assert api.events.seen.empty()


def test_what_stands_in_a_prompt_breaks_no_line(api: Api) -> None:
    prompt = "a\n\nid: 7\ndata: b\r\u2028\u0085🦊"

    with watching(api, events_of(api.job(api.generate(prompt=prompt)))) as stream:
        first = stream.next()

    assert (first.id, first.body["request"]["prompt"]) == (1, prompt)


def test_who_comes_back_is_told_only_what_it_has_not_seen(api: Api) -> None:
    job = running(api.store)

    with watching(api, events_of(job), seen=2) as stream:
        assert stream.is_silent()
        api.store.fail(job.id, CLAIM, error_code="internal", error="x")
        told = stream.rest()

    assert [event.id for event in told] == [3]


@pytest.mark.parametrize("seen", ["1", "0", "99", "x", "-1", "²", "9" * 40, ""])
def test_who_has_seen_something_else_is_told_at_once(api: Api, seen: str) -> None:
    job = running(api.store)

    headers = [("Last-Event-ID", seen.encode().decode("latin-1"))]
    answer = open_stream(api, events_of(job), headers=headers)

    assert b"id: 2\n" in next(iter(answer.iter_encoded()))
    answer.close()


def test_who_has_seen_the_end_is_told_not_to_come_back(start: Start) -> None:
    api = start(max_waiters=0)
    job = accepted(api.store)
    api.succeed(job.id)

    answer = api.get(events_of(job), Last_Event_ID="3")

    assert (answer.status_code, answer.get_data()) == (204, b"")


def test_who_has_seen_the_end_is_told_what_came_after_it(api: Api) -> None:
    job = accepted(api.store)
    api.succeed(job.id)
    api.store.forget_image(job.id, "deleted")

    with watching(api, events_of(job), seen=3) as stream:
        (only,) = stream.rest()

    assert (only.id, only.body["image_url"]) == (4, None)


@pytest.mark.parametrize("path", ["/jobs/x/events", "/batches/x/events"])
def test_what_is_unknown_has_no_stream(api: Api, path: str) -> None:
    assert_fault(api.get(path), 404, "not_found")


def test_beyond_the_most_streams_the_next_is_told_when_to_come_back(start: Start) -> None:
    api = start(max_waiters=1)
    job = accepted(api.store)
    first = open_stream(api, events_of(job))

    refused = api.get(events_of(job))

    assert_fault(refused, 429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    first.close()
    open_stream(api, events_of(job)).close()


@pytest.mark.parametrize("read", [0, 1])
def test_a_place_is_given_back_however_much_was_read(start: Start, read: int) -> None:
    api = start(max_waiters=1)
    job = accepted(api.store)

    for _ in range(3):
        answer = open_stream(api, events_of(job))
        assert answer.status_code == 200
        for _, chunk in zip(range(read), answer.iter_encoded(), strict=False):
            assert b"event: status" in chunk
        answer.close()


def test_head_is_answered_without_a_stream_and_keeps_no_place(start: Start) -> None:
    api = start(max_waiters=1)
    job = accepted(api.store)

    answers = [api.call("HEAD", events_of(job)) for _ in range(3)]

    assert [(answer.status_code, answer.get_data()) for answer in answers] == [(200, b"")] * 3
    assert answers[0].content_type == "text/event-stream; charset=utf-8"


def test_a_stream_that_can_not_begin_keeps_no_place(start: Start) -> None:
    api = start(max_waiters=1)
    batch = accepted_batch(api.store)
    index = FlakyStore(api.services.index, acts_first=False, whole=2)  # type: ignore[arg-type]
    faint = Api(replace(api.services, index=index), api.redis)  # type: ignore[arg-type]

    refused = [faint.get(f"/batches/{batch.id}/events") for _ in range(2)]

    assert [answer.status_code for answer in refused] == [503, 503]
    with watching(faint, f"/batches/{batch.id}/events") as stream:
        assert stream.next().status == "queued"


def test_a_batch_is_told_at_each_change_until_the_last_of_its_jobs_has_ended(api: Api) -> None:
    batch = accepted_batch(api.store, 2)

    with watching(api, f"/batches/{batch.id}/events") as stream:
        first = stream.next()
        api.store.claim(batch.jobs[0], CLAIM, LEASE_MS)
        second = stream.next()
        for job_id in batch.jobs:
            api.store.succeed(job_id)
        *_, last = stream.rest()

    assert first.body == json_of(api.get(f"/batches/{batch.id}")) | first.body
    assert (first.status, second.status, last.status) == ("queued", "running", "succeeded")
    assert (second.body["counts"]["running"], last.body["counts"]["succeeded"]) == (1, 2)
    assert [job["status"] for job in last.body["jobs"]] == ["succeeded"] * 2
    assert (first.id, second.id, last.id) == (1, 2, 4)


def test_changes_of_a_batch_that_follow_fast_are_told_as_one(api: Api) -> None:
    batch = accepted_batch(api.store, 100)

    with watching(api, f"/batches/{batch.id}/events") as stream:
        stream.next()
        begun = time.monotonic()
        for job_id in batch.jobs:
            api.store.succeed(job_id)
            time.sleep(0.005)
        told = stream.rest()

    assert told[-1].status == "succeeded"
    assert len(told) <= (time.monotonic() - begun) / 0.2 + 2
    assert [event.id for event in told] == sorted({event.id for event in told})
    for event in told:
        statuses = [job["status"] for job in event.body["jobs"]]
        assert event.body["counts"]["succeeded"] == statuses.count("succeeded")


def test_a_stream_ends_when_this_process_stops(api: Api) -> None:
    job = accepted(api.store)

    with watching(api, events_of(job)) as stream:
        stream.next()
        api.events.close()

        assert stream.rest() == []


@pytest.fixture
def peers() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Give the two ends of a connection, as the server hands over its own."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_client_that_left_keeps_no_place(
    start: Start, peers: tuple[socket.socket, socket.socket]
) -> None:
    api = start(max_waiters=1)
    ours, theirs = peers
    environ = {"gunicorn.socket": ours}

    with watching(api, events_of(accepted(api.store)), environ_overrides=environ) as stream:
        stream.next()
        theirs.close()

        assert stream.rest() == []
        stream.join()
