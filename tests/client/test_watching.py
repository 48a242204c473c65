"""Waiting, over streams that break, services that restart, and proxies that hold streams back."""

import pytest

from client import Client, NotFound, Unreachable, WaitTimeout
from tests.client.scripted import Script, breaks, says, streams, told

RUNNING, DONE = told("running", 2), told("succeeded", 3)


def test_each_change_is_told_up_to_the_end(service: Script, client: Client) -> None:
    service.will(streams(told("queued"), RUNNING, DONE))
    seen: list[str] = []

    job = client.wait("j1", on_change=lambda job: seen.append(job.status))

    assert job.succeeded
    assert seen == ["queued", "running", "succeeded"]
    assert [request.path for request in service.seen] == ["/jobs/j1/events"]


def test_a_stream_that_ends_early_is_taken_up_where_it_was(service: Script, client: Client) -> None:
    service.will(streams(told("queued"), RUNNING), streams(DONE))

    statuses = [job.status for job in client.watch("j1")]

    assert statuses == ["queued", "running", "succeeded"]
    assert "last-event-id" not in service.seen[0].headers
    assert service.seen[1].headers["last-event-id"] == "2"


def test_a_restart_is_sat_out(service: Script, client: Client) -> None:
    service.will(streams(told("queued")), breaks(), streams(DONE))

    assert client.wait("j1").succeeded
    assert service.seen[2].headers["last-event-id"] == "1"


@pytest.mark.parametrize(
    "instead",
    [
        says(429, {"error": "too many streams"}, Retry_After="10"),
        says(503, {"error": "away"}, Retry_After="10"),
        says(200, b"<html>", Content_Type="text/html"),
    ],
    ids=["no place", "away", "a proxy"],
)
def test_without_a_stream_answers_are_held(
    service: Script, client: Client, instead: object
) -> None:
    service.will(instead, says(200, RUNNING), says(200, DONE))  # type: ignore[arg-type]

    statuses = [job.status for job in client.watch("j1")]

    assert statuses == ["running", "succeeded"]
    assert [seen.path for seen in service.seen[1:]] == ["/jobs/j1?wait=30.0"] * 2


def test_who_saw_the_end_is_answered_nothing_and_asks_once(service: Script, client: Client) -> None:
    service.will(streams(RUNNING), says(204, b""), says(200, DONE))

    assert client.wait("j1").succeeded


def test_a_place_in_the_queue_is_told_anew(service: Script, client: Client) -> None:
    first, second = (told("queued", queue_position=place) for place in (9, 4))
    service.will(says(200, first), says(200, second), says(200, DONE))

    places = [job.queue_position for job in client.watch("j1", every=0.0)]

    assert places[:2] == [9, 4]


def test_a_wait_that_is_over_tells_how_it_stood(service: Script, client: Client) -> None:
    service.will(says(200, RUNNING))

    with pytest.raises(WaitTimeout) as caught:
        client.wait("j1", timeout=0.2)

    assert caught.value.thing is not None
    assert caught.value.thing.status == "running"
    assert isinstance(caught.value, TimeoutError)


def test_what_is_not_there_is_told_at_once(service: Script, client: Client) -> None:
    service.will(says(404, {"error": "There is no job of this id"}))

    with pytest.raises(NotFound):
        client.wait("j1")

    assert len(service.seen) == 1


def test_who_never_comes_back_is_given_up(service: Script) -> None:
    service.will(streams(RUNNING), breaks())

    with Client(service.base, patience=0) as client, pytest.raises(Unreachable):
        client.wait("j1")


def test_a_service_that_holds_no_answer_is_not_asked_without_a_pause(
    service: Script, client: Client
) -> None:
    service.will(says(200, RUNNING))

    with pytest.raises(WaitTimeout):
        client.wait("j1", timeout=0.3)

    assert len(service.seen) <= 3
