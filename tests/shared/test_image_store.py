"""What holds wherever pictures are kept: in a folder, and in a bucket (a stand-in on loopback)."""

import io
import random
import time
from pathlib import Path

import pytest

from shared.image_store import ImageStore
from shared.settings import load_settings
from shared.storage import open_images
from tests.builders import at_once

NAME = "Aa0" * 7 + "x.png"
INPUT = "0f" * 16 + ".png"
BAD_NAMES = [
    "",
    "a.png",
    "../" + NAME,
    NAME + "\n",
    NAME[1:],
    "x" + NAME,
    NAME.replace(".png", ".gif"),
    NAME.replace(".png", ".PNG"),
    NAME.replace("A", "-"),
    NAME.replace("A", "é"),
    "inputs/" + NAME,
]

# More than a piece, and no whole number of them.
LARGE = random.Random(7).randbytes(1_234_567)


@pytest.fixture(params=["folder", "bucket"])
def images(request: pytest.FixtureRequest, tmp_path: Path) -> ImageStore:
    """Give an empty store of each kind."""
    place = str(tmp_path / "images")
    if request.param == "bucket":
        place = request.getfixturevalue("bucket").place
    return open_images(load_settings(None, storage_url=place))


def test_what_was_put_is_found(images: ImageStore) -> None:
    assert images.put(NAME, LARGE)

    picture = images.find(NAME)
    assert picture is not None
    assert picture.size == len(LARGE)
    assert picture.read_bytes() == LARGE


def test_it_tells_when_it_was_written(images: ImageStore) -> None:
    before = time.time()
    images.put(NAME, b"picture")

    picture = images.find(NAME)
    assert picture is not None
    assert before - 2 < picture.modified < time.time() + 2


def test_what_was_not_put_is_not_found(images: ImageStore) -> None:
    assert images.find(NAME) is None


def test_a_picture_is_a_file_that_can_be_read_from_anywhere(images: ImageStore) -> None:
    images.put(NAME, LARGE)
    picture = images.find(NAME)
    assert picture is not None

    with picture.open() as file:
        assert file.read(10) == LARGE[:10]
        file.seek(1_000_000)
        assert file.read(300_000) == LARGE[1_000_000:]
        assert file.read(1) == b""
        file.seek(-5, io.SEEK_END)
        assert file.read() == LARGE[-5:]


def test_the_first_picture_of_a_name_stays(images: ImageStore) -> None:
    assert images.put(NAME, b"first")
    assert not images.put(NAME, b"second")

    picture = images.find(NAME)
    assert picture is not None
    assert picture.read_bytes() == b"first"


def test_of_many_that_write_at_once_one_has_written(images: ImageStore) -> None:
    written = at_once(lambda n: images.put(NAME, bytes([n]) * 100_000), range(10))

    assert sum(written) == 1
    picture = images.find(NAME)
    assert picture is not None
    data = picture.read_bytes()
    assert data == data[:1] * 100_000


def test_what_is_held_is_read_to_its_end_also_when_it_is_deleted(images: ImageStore) -> None:
    images.put(NAME, LARGE)
    picture = images.find(NAME)
    assert picture is not None

    with picture.hold() as file:
        start = file.read(100)
        images.delete(NAME)

        assert start + file.read() == LARGE


def test_what_was_deleted_is_gone(images: ImageStore) -> None:
    images.put(NAME, b"picture")
    picture = images.find(NAME)
    assert picture is not None

    images.delete(NAME)
    images.delete(NAME)

    assert images.find(NAME) is None
    with pytest.raises(FileNotFoundError):
        picture.read_bytes()


def test_an_input_lies_apart_from_the_picture_of_its_name(images: ImageStore) -> None:
    images.put(NAME, b"picture")
    images.put_input(NAME, b"upload")

    assert images.read_input(NAME) == b"upload"
    images.delete_input(NAME)
    images.delete_input(NAME)

    with pytest.raises(FileNotFoundError):
        images.read_input(NAME)
    assert images.find(NAME) is not None


def test_the_inputs_that_are_old_are_told_and_no_others(images: ImageStore) -> None:
    images.put(NAME, b"picture")
    images.put_input(INPUT, b"upload")

    assert list(images.inputs_older_than(-5)) == [INPUT]
    assert list(images.inputs_older_than(60)) == []


def test_an_empty_store_has_no_inputs(images: ImageStore) -> None:
    assert list(images.inputs_older_than(0)) == []
    assert images.drop_leavings(0) == 0


def test_a_store_that_can_be_written_says_so(images: ImageStore) -> None:
    assert images.trouble() == ""
    assert list(images.inputs_older_than(-5)) == []


@pytest.mark.parametrize("name", BAD_NAMES)
def test_no_other_name_is_ever_opened(images: ImageStore, name: str) -> None:
    assert not images.is_name(name)

    for use in (images.find, images.delete, images.read_input, images.delete_input):
        with pytest.raises(ValueError, match="not the name"):
            use(name)
    for put in (images.put, images.put_input):
        with pytest.raises(ValueError, match="not the name"):
            put(name, b"x")


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_names_end_in_one_of_three_ways(ending: str) -> None:
    assert ImageStore.is_name("a" * 22 + "." + ending)
