"""Nothing is kept on this machine: pictures in a bucket, Redis behind TLS with a user of few rights."""

import importlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from redis import Redis

from tests.bucket import Bucket
from tests.e2e.stack import Stack
from tests.pictures import picture
from tests.redis_server import embedded_server
from tests.secured import AUTHORITY, secured

# As docs/operations.md says.
RIGHTS = "on >a-long-password ~images:* ~celery:* allchannels +@all -@admin -@dangerous +info"


@pytest.fixture(scope="module")
def bucket() -> Iterator[Bucket]:
    """Give a bucket, which is a stand-in on loopback."""
    with importlib.import_module("tests.bucket").bucket_server() as server:
        server.well()
        yield server


@pytest.fixture(scope="module")
def owner(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Redis"]:
    """Give its owner's client of the Redis elsewhere."""
    with embedded_server(tmp_path_factory.mktemp("redis")) as url, Redis.from_url(url) as client:
        client.execute_command("ACL", "SETUSER", "image-api", *RIGHTS.split())
        yield client


@pytest.fixture(scope="module")
def stack(
    bucket: Bucket, owner: "Redis", tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Give a running service that keeps everything elsewhere."""
    with secured(owner.connection_pool.connection_kwargs["port"]) as port:
        url = f"rediss://image-api:a-long-password@127.0.0.1:{port}/0?ssl_ca_certs={AUTHORITY}"
        stack = Stack(
            tmp_path_factory.mktemp("elsewhere"),
            REDIS_URL=url,
            STORAGE_URL=bucket.place,
            SHUTDOWN_GRACE_SECONDS="5",
            WEB_PROCESSES="1",
            **bucket.environment,
        )
        try:
            yield stack.start()
        finally:
            stack.stop()


def test_an_image_is_made_kept_in_the_bucket_and_removed(stack: Stack, bucket: Bucket) -> None:
    job = stack.generate("a fox far away").json()

    name = job["image_url"].rpartition("/")[2]
    whole = stack.get(job["image_url"])
    assert (job["status"], whole.status_code) == ("succeeded", 200)
    assert len(whole.content) == job["image"]["bytes"]
    part = stack.get(job["image_url"], headers={"Range": "bytes=1000-1099"})
    assert (part.status_code, part.content) == (206, whole.content[1_000:1_100])
    assert name in bucket.names()

    stack.http.delete(f"{stack.base}/jobs/{job['job_id']}/image", timeout=30)

    assert stack.get(job["image_url"]).status_code == 410
    assert name not in bucket.names()
    assert not stack.images.exists()


def test_an_upload_is_enlarged_and_not_kept(stack: Stack, bucket: Bucket) -> None:
    answer = stack.http.post(
        f"{stack.base}/upscale_image?wait=30",
        files={"image": ("small.png", picture(100, 80))},
        timeout=60,
    )

    assert answer.json()["status"] == "succeeded"
    assert not [name for name in bucket.names() if name.startswith("inputs/")]


def test_a_batch_is_fetched_in_one_file(stack: Stack) -> None:
    entries = [{"prompt": f"far {number}", "output_format": "jpeg"} for number in range(5)]
    answer = stack.http.post(f"{stack.base}/batches?wait=60", json={"jobs": entries}, timeout=90)
    batch = answer.json()
    assert batch["status"] == "succeeded", batch

    archive = stack.get(f"/batches/{batch['batch_id']}/archive")

    zipped = zipfile.ZipFile(io.BytesIO(archive.content))
    assert zipped.testzip() is None
    assert len(zipped.namelist()) == 6
    assert zipped.read("001.jpg") == stack.get(batch["jobs"][0]["image_url"]).content


def test_flower_sees_the_worker_through_tls(stack: Stack) -> None:
    workers = requests.get(f"{stack.flower}/workers?json=1", timeout=30)

    assert workers.status_code == 200
    assert "celery@" in workers.text


def test_its_user_was_refused_nothing(stack: Stack, owner: "Redis") -> None:
    assert stack.get("/metrics").status_code == stack.get("/readyz").status_code == 200

    assert owner.acl_log() == []


def test_a_bucket_that_goes_away_and_comes_back_costs_no_image(
    stack: Stack, bucket: Bucket
) -> None:
    path = stack.generate("a fox before the storm").json()["image_url"]
    bucket.status = 500
    try:
        away = stack.get(path)
        waiting = stack.generate("a fox in the storm", wait=0).json()
    finally:
        bucket.status = 0

    assert (away.status_code, away.json()["error_code"]) == (503, "unavailable")
    assert stack.ended(waiting["job_id"])["status"] == "succeeded"
    assert len(stack.charged("a fox in the storm")) == 1


def test_nothing_that_was_printed_opens_the_bucket_or_redis(stack: Stack, bucket: Bucket) -> None:
    printed = stack.output()

    assert urlsplit(bucket.place).netloc in printed
    assert bucket.environment["AWS_SECRET_ACCESS_KEY"] not in printed
    assert "a-long-password" not in printed
    assert not [name for name in bucket.names() if len(name) > 20 and Path(name).stem in printed]
