"""Answers of whatever stands at the address instead of the service: each ends in one of our errors."""

import gzip
import io

import pytest
import requests

from client import Batch, Client, ClientError, Job, Page, ServiceFault
from client import answers as answers_module
from client import events as events_module
from tests.client.scripted import Answer, Script, says, streams, told

DONE = told("succeeded", image_url="/saved_images/a.webp")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ok": True},
        {**told("queued"), "status": ["queued"]},
        {**told("queued"), "revision": "9"},
        told("queued", image=[1]),
        told("queued", request="a fox"),
        b"[" * 100_000,
        b"\xff\xfe",
    ],
    ids=lambda body: str(body)[:30],
)
def test_what_is_no_job_is_told_as_none(service: Script, client: Client, body: object) -> None:
    service.will(says(200, body))

    with pytest.raises(ServiceFault, match="is not this service"):
        client.job("j1")


@pytest.mark.parametrize("read", [Batch.of, Page.of])
def test_jobs_that_are_none_make_no_list(read: type) -> None:
    with pytest.raises((TypeError, ValueError, AttributeError)):
        read({"batch_id": "b", "status": "queued", "jobs": [7]})


def test_what_a_service_leaves_open_is_as_if_it_were_not_told() -> None:
    job = Job.of({**told("queued"), "message": None, "credits": 3, "kind": None})

    assert (job.message, job.credits, job.kind) == ("", 3, "")


@pytest.mark.parametrize(
    "body",
    [
        {"error": ["x"], "error_code": {}, "errors": 7, "request_id": 9},
        {"error": "No", "errors": ["a", 7, {"field": "seed", "error": "No"}]},
        {"errors": "text"},
        b"[" * 100_000,
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "after", ["soon", "9" * 500, "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"]
)
def test_a_fault_of_any_shape_can_be_told(
    service: Script, client: Client, body: object, after: str
) -> None:
    service.will(says(400, body, Retry_After=after))

    with pytest.raises(ClientError) as caught:
        client.job("j1")

    assert all("field" in each for each in caught.value.errors)
    assert isinstance(caught.value.message, str)


@pytest.mark.parametrize("where", ["ftp://x/saved_images/a", "http://", "/saved_images/a.webp"])
def test_a_picture_that_is_sent_on_to_nowhere_is_not_asked_for_again(
    service: Script, client: Client, where: str
) -> None:
    service.will(says(302, b"", Location=where))

    with pytest.raises(ServiceFault, match="sent this on"):
        client.image(Job.of(DONE))


def test_what_has_no_end_is_not_read_to_it(
    service: Script, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers_module, "_MOST_JSON_BYTES", 1_000)
    monkeypatch.setattr(answers_module, "MOST_PICTURE_BYTES", 1_000)
    packed = gzip.compress(b" " * 2_000)
    service.will(says(200, packed, Content_Encoding="gzip"), says(200, b"x" * 2_000))

    with pytest.raises(ServiceFault, match="no end"):
        client.job("j1")
    with pytest.raises(ServiceFault, match="no end"):
        client.image(Job.of(DONE))


@pytest.mark.parametrize(
    "endless",
    [
        streams(told("queued", message="x" * 2_000)),
        says(200, b"<html>" * 400, Content_Type="text/html"),
    ],
    ids=["an event", "a page"],
)
def test_a_stream_without_an_end_is_left_and_the_job_asked_for(
    service: Script, client: Client, monkeypatch: pytest.MonkeyPatch, endless: Answer
) -> None:
    monkeypatch.setattr(events_module, "_MOST_BYTES", 1_000)
    service.will(endless, says(200, DONE))

    assert client.wait("j1").succeeded
    assert [seen.path for seen in service.seen] == ["/jobs/j1/events", "/jobs/j1?wait=30.0"]


def test_a_line_without_an_end_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "_MOST_BYTES", 1_000)
    answer = requests.Response()
    answer.raw = io.BytesIO(b": " + b"x" * 2_000)

    with pytest.raises(ServiceFault, match="without an end"):
        list(events_module.events_in(answer))
