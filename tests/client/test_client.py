"""The calls of the library beside submitting and waiting."""

import io
from pathlib import Path

import pytest

from client import Batch, Client, Conflict, Job, JobFailed, Unreachable
from tests.client.scripted import Script, breaks, says, told

DONE = told("succeeded", image_url="/saved_images/a.webp")
CUT = breaks(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nRIFF")


def test_what_a_newer_service_tells_is_kept_aside() -> None:
    body = {**told("dreaming"), "mood": "blue", "image": {"format": "avif", "depth": 12}}

    job = Job.of(body)

    assert job.status == "dreaming"
    assert not job.terminal
    assert job.raw["mood"] == "blue"
    assert job.image is not None
    assert (job.image.format, job.image.width) == ("avif", 0)


def test_an_image_that_was_cut_short_is_fetched_again(
    service: Script, client: Client, tmp_path: Path
) -> None:
    service.will(CUT, says(200, b"RIFF-WEBP"))

    path = client.save(Job.of(DONE), tmp_path / "fox.webp")

    assert path.read_bytes() == b"RIFF-WEBP"
    assert list(tmp_path.iterdir()) == [path]


def test_an_image_that_never_comes_whole_leaves_nothing(service: Script, tmp_path: Path) -> None:
    service.will(CUT)

    with Client(service.base, patience=0) as client, pytest.raises(Unreachable):
        client.save(Job.of(DONE), tmp_path / "fox.webp")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(service: Script, client: Client, tmp_path: Path) -> None:
    service.will(says(200, b"new"))
    path = tmp_path / "fox.webp"
    path.write_bytes(b"old")

    with pytest.raises(FileExistsError):
        client.save(Job.of(DONE), path)

    assert path.read_bytes() == b"old"
    assert client.save(Job.of(DONE), path, overwrite=True).read_bytes() == b"new"


def test_a_job_without_an_image_says_why(service: Script, client: Client) -> None:
    service.will(says(200, told("failed", error="Refused", error_code="input_moderated")))

    with pytest.raises(JobFailed, match="Refused") as caught:
        client.image("j1")

    assert caught.value.error_code == "input_moderated"


def test_all_pages_are_read(service: Script, client: Client) -> None:
    pages = [{"jobs": [told("queued")], "next_cursor": "c2"}, {"jobs": [DONE], "next_cursor": None}]
    service.will(*(says(200, page) for page in pages))

    found = list(client.jobs(status="queued"))

    assert [job.status for job in found] == ["queued", "succeeded"]
    assert service.seen[1].path == "/jobs?status=queued&limit=100&cursor=c2"


def test_a_cancel_whose_answer_was_lost_has_worked(service: Script, client: Client) -> None:
    service.will(breaks(), says(409, {**told("canceled"), "error": "It has ended already"}))

    assert client.cancel("j1").status == "canceled"


def test_a_cancel_that_came_too_late_says_so(service: Script, client: Client) -> None:
    service.will(says(409, {**DONE, "error": "The job has ended already: it is succeeded"}))

    with pytest.raises(Conflict, match="it is succeeded"):
        client.cancel("j1")


def test_images_are_sent_however_they_are_given(
    service: Script, client: Client, tmp_path: Path
) -> None:
    service.will(says(202, told("queued")))
    path = tmp_path / "cat.png"
    path.write_bytes(b"PNG!")

    for image in (b"PNG!", path, str(path), io.BytesIO(b"PNG!")):
        client.upscale(image, mode="creative", seed=7, metadata={"for": "us"})

    for seen in service.seen:
        assert b"PNG!" in seen.body
        assert b'{"for": "us"}' in seen.body
    assert {seen.path for seen in service.seen} == {"/upscale_image"}


def test_an_address_is_sent_as_such(service: Script, client: Client) -> None:
    service.will(says(202, told("queued")))

    client.upscale("https://example.com/cat.png")

    assert service.seen[0].body == b'{"image_url": "https://example.com/cat.png"}'


def test_a_batch_keeps_its_order(service: Script, client: Client) -> None:
    jobs = [{"job_id": name, "status": "queued"} for name in ("a", "b")]
    service.will(says(202, {"batch_id": "b1", "status": "queued", "jobs": jobs}))

    batch = client.batch(["A fox", {"prompt": "A hare", "seed": 7}], model="ultra")

    assert isinstance(batch, Batch)
    assert [job.job_id for job in batch.jobs] == ["a", "b"]
    assert b'"defaults": {"model": "ultra"}' in service.seen[0].body


def test_an_id_stays_one_part_of_the_address(service: Script, client: Client) -> None:
    service.will(says(200, DONE))

    client.job("../batches/x?y")

    assert service.seen[0].path == "/jobs/..%2Fbatches%2Fx%3Fy"


def test_an_image_may_be_named_as_what_it_is(service: Script, client: Client) -> None:
    service.will(says(202, told("queued")))

    client.upscale(image="https://pictures.example/a.png", mode="fast")
    client.generate(prompt="A fox")

    assert b'"image_url": "https://pictures.example/a.png"' in service.seen[0].body
    assert b'"prompt": "A fox"' in service.seen[1].body
