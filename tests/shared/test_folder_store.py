"""Pictures in a folder are written whole or not at all, and only under their own names."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.folder_store import FolderStore
from shared.image_store import INPUTS, StorageAway
from tests.builders import at_once

NAME = "Aa0" * 7 + "x.png"


@pytest.fixture
def images(tmp_path: Path) -> FolderStore:
    """Give a store in a folder that is not there yet."""
    return FolderStore(tmp_path / "deep" / "images")


def mode(path: Path) -> int:
    """Return the permissions of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def files(images: FolderStore) -> list[str]:
    """Return every file under the folder, hidden ones too."""
    return sorted(
        str(p.relative_to(images.folder)) for p in images.folder.rglob("*") if p.is_file()
    )


def fail(*_: object, **__: object) -> None:
    """Stand in for a call of the system on a full disk."""
    raise OSError(28, "No space left on device")


def test_what_was_put_is_found(images: FolderStore) -> None:
    images.put(NAME, b"picture")

    path = images.find(NAME)
    assert path is not None
    assert path.read_bytes() == b"picture"
    assert files(images) == [NAME]


def test_a_folder_is_no_picture(images: FolderStore) -> None:
    (images.folder / NAME).mkdir(parents=True)

    assert images.find(NAME) is None


def test_a_picture_may_be_read_by_others_and_an_input_not(images: FolderStore) -> None:
    old = os.umask(0o000)
    try:
        images.put(NAME, b"picture")
        images.put_input(NAME, b"upload")
    finally:
        os.umask(old)

    assert mode(images.folder / NAME) == 0o644
    assert mode(images.folder / INPUTS / NAME) == 0o600


def test_an_input_lies_apart_from_the_picture_of_its_name(images: FolderStore) -> None:
    images.put(NAME, b"picture")
    images.put_input(NAME, b"upload")

    assert images.read_input(NAME) == b"upload"
    images.delete_input(NAME)
    images.delete_input(NAME)

    assert files(images) == [NAME]
    with pytest.raises(OSError, match="No such file"):
        images.read_input(NAME)


@pytest.mark.parametrize(
    "use",
    [
        lambda images: images.put(NAME, b"picture"),
        lambda images: images.find(NAME),
        lambda images: images.delete(NAME),
        lambda images: images.put_input(NAME, b"upload"),
        lambda images: images.read_input(NAME),
        lambda images: images.delete_input(NAME),
    ],
)
def test_a_folder_in_trouble_is_no_missing_picture_and_names_none(
    images: FolderStore, use: Callable[[FolderStore], object]
) -> None:
    images.folder.parent.mkdir()
    images.folder.symlink_to(images.folder)

    with pytest.raises(StorageAway) as caught:
        use(images)

    assert NAME not in str(caught.value)


@pytest.mark.parametrize("step", ["os.fsync", "os.fchmod"])
def test_a_write_that_fails_leaves_nothing(
    images: FolderStore, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    monkeypatch.setattr(step, fail)

    with pytest.raises(OSError, match="No space left"):
        images.put(NAME, b"picture")

    assert files(images) == []


def test_a_write_that_fails_leaves_the_old_picture(
    images: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.put(NAME, b"old")
    monkeypatch.setattr("os.fsync", fail)

    with pytest.raises(OSError, match="No space left"):
        images.put(NAME, b"new")

    assert (images.folder / NAME).read_bytes() == b"old"


def test_the_bytes_are_on_the_disk_before_the_name_is(
    images: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []
    real = os.fsync

    def watched(descriptor: int) -> None:
        synced.append((os.fstat(descriptor).st_size, (images.folder / NAME).exists()))
        real(descriptor)

    monkeypatch.setattr("os.fsync", watched)

    images.put(NAME, b"picture")

    assert synced[0] == (7, False)
    assert [there for _, there in synced] == [False, True]


def test_a_name_shows_one_whole_picture_whoever_writes(images: FolderStore) -> None:
    at_once(lambda n: images.put(NAME, bytes([n]) * 100_000), range(20))

    data = (images.folder / NAME).read_bytes()
    assert data == data[:1] * 100_000
    assert files(images) == [NAME]


def test_a_folder_that_can_be_written_says_so(images: FolderStore) -> None:
    assert images.trouble() == ""
    assert files(images) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    assert FolderStore(tmp_path / "file" / "images").trouble() == "not writable"


def test_a_full_disk_is_not_writable(images: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.TemporaryFile", fail)

    assert images.trouble() == "not writable"


def test_a_disk_with_less_than_a_gibibyte_is_almost_full(
    images: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)

    assert images.trouble() == "almost full"


def test_a_folder_without_links_keeps_pictures_too(
    images: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refused)

    assert images.put(NAME, b"first")
    assert not images.put(NAME, b"second")

    path = images.find(NAME)
    assert path
    assert path.read_bytes() == b"first"
    assert files(images) == [NAME]
