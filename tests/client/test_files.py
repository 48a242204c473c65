"""Files that are there whole or not at all, and answers that are checked to be whole."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from client import Unreachable
from client.answers import check_size
from client.files import unused, write_whole


def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "fox.webp"

    def pieces() -> Iterator[bytes]:
        yield b"ours"
        path.write_bytes(b"theirs")

    with pytest.raises(FileExistsError):
        write_whole(path, pieces(), replace=False)

    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


def test_what_breaks_in_the_middle_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"before")

    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, pieces(), replace=True)

    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unused_name_is_found(tmp_path: Path) -> None:
    for name in ("fox.webp", "fox-2.webp"):
        (tmp_path / name).touch()

    assert unused(tmp_path / "fox.webp").name == "fox-3.webp"
    assert unused(tmp_path / "hare.webp").name == "hare.webp"


def test_fewer_bytes_than_announced_are_no_image() -> None:
    response = requests.Response()
    response.headers["Content-Length"] = "9"

    with pytest.raises(Unreachable, match="cut short"):
        list(check_size(response, [b"RIFF"]))
    assert list(check_size(response, [b"RIFF", b"-WEBP"])) == [b"RIFF", b"-WEBP"]


def test_what_a_proxy_has_packed_is_longer_than_announced() -> None:
    response = requests.Response()
    response.headers.update({"Content-Length": "4", "Content-Encoding": "gzip"})

    assert list(check_size(response, [b"longer than that"])) == [b"longer than that"]
