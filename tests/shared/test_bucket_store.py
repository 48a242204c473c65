"""A bucket that is slow, away, full or closed to us is told as that, in time, and at no great cost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests

from shared import bucket_client
from shared.buckets import read_bucket
from shared.image_store import ImageStore, StorageAway
from shared.settings import SettingsError, load_settings
from shared.storage import open_images
from tests.bucket import KEYS, Bucket
from tests.builders import until

NAME = "Aa0" * 7 + "x.png"
MEBIBYTE = 1024 * 1024
USES: list[Callable[[ImageStore], object]] = [
    lambda images: images.put(NAME, b"picture"),
    lambda images: images.find(NAME),
    lambda images: images.delete(NAME),
    lambda images: images.put_input(NAME, b"upload"),
    lambda images: images.read_input(NAME),
    lambda images: list(images.inputs_older_than(0)),
]


@pytest.fixture
def images(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    """Give a store that tries nothing twice."""
    for name in ("_QUICK", "_WHOLE"):
        monkeypatch.setattr(bucket_client, name, (0, timedelta(0), "5s"))
    return store(bucket)


@pytest.fixture
def hasty(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> ImageStore:
    """Give a store whose calls may take a tenth of a second."""
    for name in ("_QUICK", "_WHOLE"):
        monkeypatch.setattr(bucket_client, name, (0, timedelta(0), "100ms"))
    return store(bucket)


def store(bucket: Bucket) -> ImageStore:
    """Open the store of a bucket."""
    return open_images(load_settings(None, storage_url=bucket.place))


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    ("fault", "reason"),
    [({"status": 500}, "does not answer"), ({"status": 403}, "access denied")],
)
def test_what_fails_says_why_and_names_no_picture(
    images: ImageStore,
    bucket: Bucket,
    use: Callable[[ImageStore], object],
    fault: dict[str, int],
    reason: str,
) -> None:
    vars(bucket).update(fault)

    with pytest.raises(StorageAway) as caught:
        use(images)

    assert caught.value.strerror == reason
    assert NAME not in str(caught.value)
    assert images.trouble() == reason


def test_a_write_whose_answer_was_lost_is_our_own_when_it_is_tried_again(
    images: ImageStore, bucket: Bucket
) -> None:
    bucket.lose = 500
    with pytest.raises(StorageAway):
        images.put(NAME, b"picture")
    bucket.lose = 0

    assert images.put(NAME, b"picture")
    assert not images.put(NAME, b"another")


def test_after_three_failures_one_call_a_second_finds_out_for_all(
    images: ImageStore, bucket: Bucket
) -> None:
    bucket.status = 500
    for _ in range(20):
        with pytest.raises(StorageAway):
            images.find(NAME)
    assert len(bucket.calls) == 3

    bucket.status = 0
    until(lambda: not images.trouble(), 3)
    assert images.find(NAME) is None


def test_that_a_bucket_refuses_us_keeps_no_call_from_going_out(
    images: ImageStore, bucket: Bucket
) -> None:
    bucket.status = 403
    for _ in range(5):
        with pytest.raises(StorageAway):
            images.find(NAME)

    bucket.status = 0
    assert images.find(NAME) is None


def test_to_ask_whether_it_can_be_written_is_a_call_in_ten_seconds(
    images: ImageStore, bucket: Bucket
) -> None:
    assert [images.trouble() for _ in range(50)] == [""] * 50

    assert [(method, path.rpartition("/")[2]) for method, path, _ in bucket.calls] == [
        ("PUT", "probe")
    ]


def test_after_a_failed_write_it_is_asked_at_once(images: ImageStore, bucket: Bucket) -> None:
    assert images.trouble() == ""
    bucket.status = 507

    with pytest.raises(StorageAway):
        images.put(NAME, b"picture")

    assert images.trouble() == "does not answer"


def test_a_full_bucket_is_told_though_the_probe_is_there(
    images: ImageStore, bucket: Bucket
) -> None:
    assert images.trouble() == ""
    bucket.full = True

    with pytest.raises(StorageAway):
        images.put(NAME, b"picture")

    assert images.trouble() == "does not answer"


def test_while_one_call_finds_out_no_other_goes(
    images: ImageStore, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(bucket_client, "time", SimpleNamespace(monotonic=lambda: now[0]))
    bucket.status = 500
    for _ in range(3):
        with pytest.raises(StorageAway):
            images.find(NAME)
    now[0] += 2
    bucket.status, bucket.delay = 0, 0.3

    with ThreadPoolExecutor() as pool:
        first = pool.submit(images.find, NAME)
        until(lambda: len(bucket.calls) == 4)
        with pytest.raises(StorageAway):
            images.find(NAME)

        assert first.result() is None
    assert len(bucket.calls) == 4


def test_a_bucket_that_is_not_there_is_told(bucket: Bucket) -> None:
    images = open_images(load_settings(None, storage_url="s3://no-such-bucket/pictures"))

    assert images.trouble() == "there is no such bucket"
    with pytest.raises(StorageAway, match="no such bucket"):
        images.put(NAME, b"picture")


def test_a_range_is_fetched_without_what_comes_before_it(
    images: ImageStore, bucket: Bucket
) -> None:
    images.put(NAME, bytes(4 * MEBIBYTE))
    picture = images.find(NAME)
    assert picture
    bucket.calls.clear()

    with picture.open() as file:
        file.seek(4 * MEBIBYTE - 10)
        assert file.read() == bytes(10)

    assert [span for _, _, span in bucket.calls] == ["bytes=4194294-4194303"]


def test_the_inputs_alone_are_listed(images: ImageStore, bucket: Bucket) -> None:
    images.put(NAME, b"picture")
    requests.put(f"{bucket.url}/pictures/{bucket.prefix}/inputs/notes.txt", b"x", timeout=10)
    bucket.calls.clear()

    assert list(images.inputs_older_than(-5)) == []

    assert [query for query in bucket.queries if query] == [f"prefix={bucket.prefix}/inputs/"]


def test_a_signed_address_gives_the_picture_as_what_it_is(
    images: ImageStore, bucket: Bucket
) -> None:
    images.put(NAME, b"picture")

    url = images.signed_url(NAME, 60)

    assert url is not None
    assert "X-Amz-Expires=60" in url
    answer = requests.get(url, timeout=10)
    assert (answer.content, answer.headers["Content-Type"]) == (b"picture", "image/png")


def test_what_env_says_of_the_bucket_reaches_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = {**bucket.environment, "STORAGE_URL": bucket.place, "AWS_SESSION_TOKEN": ""}
    for name in bucket.environment:
        monkeypatch.delenv(name)
    monkeypatch.delenv("STORAGE_URL", raising=False)
    env = tmp_path / ".env"
    env.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    settings = load_settings(env)

    assert open_images(settings).put(NAME, b"picture")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in repr(settings)


def test_the_environment_beats_env_here_too() -> None:
    bucket = read_bucket("s3://pictures", {"AWS_REGION": "a", "OTHER": "b"}, {"AWS_REGION": "c"})

    assert bucket is not None
    assert bucket.options == {}


def test_an_empty_value_of_the_environment_is_none(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")

    assert store(bucket).put(NAME, b"picture")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("AWS_ENDPOINT_URL=minio:9000", "AWS_ENDPOINT_URL must be an http or https URL"),
        (
            "AWS_PROFILE=work",
            "STORAGE_URL s3://pictures can't be used: Configuration key: 'aws_pro",
        ),
    ],
)
def test_what_a_bucket_can_not_be_opened_with_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line: str, complaint: str
) -> None:
    for name in (*KEYS, "AWS_ENDPOINT_URL", "AWS_PROFILE", "STORAGE_URL"):
        monkeypatch.delenv(name, raising=False)
    env = tmp_path / ".env"
    env.write_text(f"STORAGE_URL=s3://pictures\n{line}\n")

    with pytest.raises(SettingsError) as caught:
        open_images(load_settings(env))

    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


def test_azure_signs_with_an_account_s_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "someone")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "a2V5")

    url = open_images(load_settings(None, storage_url="az://pictures/a")).signed_url(NAME, 60)

    assert url is not None
    assert url.startswith(f"https://someone.blob.core.windows.net/pictures/a/{NAME}?")


def test_a_bucket_that_hangs_holds_up_nobody_for_long(hasty: ImageStore, bucket: Bucket) -> None:
    bucket.delay = 0.5
    begun = time.monotonic()

    for use in USES * 10:
        with pytest.raises(StorageAway, match="does not answer"):
            use(hasty)

    assert time.monotonic() - begun < 2


def test_what_is_not_there_is_not_named(images: ImageStore) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        images.read_input(NAME)

    assert NAME not in str(caught.value)
