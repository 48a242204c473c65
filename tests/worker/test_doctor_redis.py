"""What the doctor says of a Redis, by what it tells of itself."""

from typing import Any

import pytest
from redis import Redis

from shared import embedded_redis
from worker.doctor import redis_server
from worker.doctor.findings import Finding
from worker.doctor.redis_server import check, connect, drifted, judge

MIB = 1024**2
INFO = {
    "redis_version": "7.2.4",
    "cluster_enabled": 0,
    "role": "master",
    "loading": 0,
    "aof_enabled": 1,
    "aof_last_write_status": "ok",
    "used_memory": 10 * MIB,
    "maxmemory": 100 * MIB,
    "maxmemory_policy": "noeviction",
}
TOLD = {"appendfsync": "always", "maxmemory-policy": "noeviction"}


def complaints(
    info: dict[str, Any] | None = None, told: dict[str, str] | None = None, ms: float = 0.1
) -> list[Finding]:
    found = judge({**INFO, **(info or {})}, TOLD if told is None else told, ms)
    return [finding for finding in found if finding.level != "ok"]


def test_a_server_as_ours_is_fine(redis_client: "Redis") -> None:
    found = list(check(redis_client))

    assert {finding.level for finding in found} == {"ok"}, found
    assert any("appendfsync always" in finding.told for finding in found)


@pytest.mark.parametrize(
    ("info", "level", "words"),
    [
        ({"redis_version": "6.0.9"}, "wrong", "too old"),
        ({"cluster_enabled": 1}, "wrong", "Cluster"),
        ({"role": "slave"}, "wrong", "replica"),
        ({"loading": 1}, "note", "still reads its file"),
        ({"aof_enabled": 0}, "wrong", "no append-only file"),
        ({"aof_last_write_status": "err"}, "wrong", "can't write its append-only file"),
        ({"used_memory": 85 * MIB}, "note", "85 of 100 MiB"),
        ({"used_memory": 96 * MIB}, "wrong", "96 of 100 MiB"),
        (
            {"maxmemory": 0, "total_system_memory": 11 * MIB},
            "note",
            "maxmemory is not set",
        ),
    ],
)
def test_each_trouble_is_told(info: dict[str, Any], level: str, words: str) -> None:
    [found] = complaints(info)

    assert (found.level, words in found.told) == (level, True), found
    assert found.mend


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        ({**TOLD, "appendfsync": "everysec"}, "note", "everysec"),
        ({}, "note", "does not tell appendfsync"),
        ({**TOLD, "maxmemory-policy": "allkeys-lru"}, "wrong", "jobs vanish"),
    ],
)
def test_each_weak_setting_is_told(told: dict[str, str], level: str, words: str) -> None:
    [found] = complaints(told=told)

    assert (found.level, words in found.told) == (level, True), found
    assert found.mend


def test_a_server_that_is_far_is_told() -> None:
    [found] = complaints(ms=25)

    assert (found.level, "25.0 ms" in found.told) == ("note", True)


@pytest.mark.parametrize(("drift", "words"), [(2.5, "2.5 s ahead"), (-90, "90.0 s behind")])
def test_a_clock_that_is_off_is_told(drift: float, words: str) -> None:
    assert words in drifted(drift).told
    assert drifted(drift).level == "note"
    assert drifted(drift / 100).level == "ok"


@pytest.mark.parametrize("password", ["wrong-and-planted", ""])
def test_a_wrong_password_is_told_and_not_repeated(redis_url: str, password: str) -> None:
    address = redis_url.rpartition("@")[2]

    [found] = check(connect(f"redis://:{password}@{address}" if password else f"redis://{address}"))

    assert (found.level, "password" in found.told) == ("wrong", True)
    assert "planted" not in str(found)


def test_a_server_that_is_not_there_is_told() -> None:
    url = f"redis://127.0.0.1:{embedded_redis.free_port()}/0"

    [found] = check(connect(url))

    assert "does not answer" in found.told
    assert not redis_server.listens(url)


def test_the_server_of_make_run_is_found_by_its_file(tmp_path: Any) -> None:
    assert embedded_redis.url_of(tmp_path) is None

    assert embedded_redis.prepare(tmp_path) == embedded_redis.url_of(tmp_path)
