"""Files that are there whole or not at all, and answers that are checked to be whole."""

import importlib.util
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

import client.files
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


def test_only_what_this_process_has_begun_is_dropped(tmp_path: Path) -> None:
    # another process that has the same number, as each first one of a container has
    source = importlib.util.find_spec("client.files")
    assert source
    assert source.loader
    other = importlib.util.module_from_spec(source)
    source.loader.exec_module(other)

    def begun_by(files: Any) -> Iterator[bytes]:
        yield b"half"
        (part,) = tmp_path.glob(".*.part")
        other.drop_parts(tmp_path)
        assert part.exists() is (files is not other)

    for files in (client.files, other):
        with suppress(FileNotFoundError):  # its own was dropped while it wrote
            files.write_whole(tmp_path / str(id(files)), begun_by(files), replace=False)


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
