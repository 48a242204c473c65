"""A Redis that would lose jobs is told of at the start, and a cluster is refused; TLS is real."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from shared import embedded_redis
from shared.queue import make_celery
from shared.redis_kind import look_at_redis, weak_points
from shared.services import connect
from shared.settings import SettingsError, load_settings
from tests.redis_server import ROOT, start, wait_until_it_answers
from tests.secured import AUTHORITY, secured

SOUND = {"cluster_enabled": 0, "maxmemory_policy": "noeviction", "aof_enabled": 1}


@pytest.fixture
def tls_url(redis_url: str) -> Iterator[str]:
    """Give the URL of the shared server behind TLS, without what its certificate is checked by."""
    login, _, place = redis_url.removeprefix("redis://").rpartition("@")
    port, _, database = place.partition(":")[2].partition("/")
    with secured(int(port)) as door:
        yield f"rediss://{login}@127.0.0.1:{door}/{database}"


def test_of_a_server_that_keeps_everything_nothing_is_told(redis_url: str) -> None:
    assert look_at_redis(redis_url) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"maxmemory_policy": "allkeys-lru"}, ["maxmemory-policy allkeys-lru"]),
        ({"aof_enabled": 0}, ["without an append-only file"]),
        ({"aof_enabled": 0, "maxmemory_policy": "volatile-ttl"}, ["volatile-ttl", "append-only"]),
    ],
)
def test_a_server_that_may_lose_jobs_is_told_of(
    changes: dict[str, object], words: list[str]
) -> None:
    found = weak_points({**SOUND, **changes})

    assert len(found) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found, strict=True))


def test_a_server_that_does_not_let_us_look_is_told_nothing_of(redis_url: str) -> None:
    assert weak_points({}) == []
    assert look_at_redis("redis://127.0.0.1:1/0") == []
    assert look_at_redis("redis://nobody:wrong@" + redis_url.rpartition("@")[2]) == []


def test_a_cluster_is_refused_by_every_part(tmp_path: Path) -> None:
    url = embedded_redis.prepare(tmp_path)
    with (tmp_path / "redis.conf").open("a") as conf:
        conf.write(f"cluster-enabled yes\ncluster-port {embedded_redis.free_port()}\n")
    process = start(tmp_path)
    try:
        wait_until_it_answers(url)
        with pytest.raises(SettingsError, match="is a Redis Cluster, which is not supported"):
            look_at_redis(url)
        parts = [
            subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={"REDIS_URL": url, "PATH": ""},
                stderr=subprocess.PIPE,
                text=True,
            )
            for command in (["api"], ["celery", "-A", "worker.celery_app", "worker"])
        ]
        for part in parts:
            _, told = part.communicate(timeout=90)
            assert part.returncode != 0
            assert told.count("\n") == 1
            assert "REDIS_URL is a Redis Cluster" in told
    finally:
        process.terminate()
        process.wait(timeout=10)


def test_client_and_broker_speak_tls_and_check_who_answers(tls_url: str) -> None:
    url = f"{tls_url}?ssl_ca_certs={AUTHORITY}"

    client = connect(url)
    assert client.ping()
    client.connection_pool.disconnect()
    with make_celery(load_settings(None, redis_url=url)).connection() as broker:
        assert broker.ensure_connection(max_retries=1).connected


@pytest.mark.parametrize("options", ["", "?ssl_cert_reqs=required"])
def test_a_server_that_nobody_vouches_for_is_not_talked_to(tls_url: str, options: str) -> None:
    with pytest.raises(RedisConnectionError, match="certificate verify failed"):
        connect(tls_url + options).ping()
    broker = make_celery(load_settings(None, redis_url=tls_url + options)).connection()
    with pytest.raises(OperationalError, match="certificate verify failed"):
        broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0)


def test_a_certificate_of_another_name_is_refused(tls_url: str) -> None:
    elsewhere = tls_url.replace("127.0.0.1", "localhost")

    with pytest.raises(RedisConnectionError, match="Hostname mismatch"):
        connect(f"{elsewhere}?ssl_ca_certs={AUTHORITY}").ping()
    url = f"{elsewhere}?ssl_ca_certs={AUTHORITY}&ssl_check_hostname=false"
    client: Redis = connect(url)
    assert client.ping()
    client.connection_pool.disconnect()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("localhost:6379", "must be redis://user:password@host:port/0, or rediss:// for TLS"),
        ("unix:///tmp/redis.sock", "must be redis://"),
        ("redis://", "must be redis://"),
        ("redis://host:port/0", "must be redis://"),
        ("sentinel://host:26379", "Sentinel and Cluster are not supported"),
        ("redis://a:6379,b:6379/0", "Sentinel and Cluster are not supported"),
        ("redis://host/zero", "must end in the number of a database"),
        ("redis://host/0?ssl_ca_certs=/x", "must then be rediss://"),
        ("rediss://host/0?ssl_ca_certs=/no/such.pem", "there is no such file"),
        ("rediss://host/0?ssl_cert_reqs=maybe", "takes as ssl_cert_reqs: none, optional, required"),
        ("rediss://host/0?ssl_check_hostname=no", "takes as ssl_check_hostname: true, false"),
        ("rediss://host/0?ssl_verify=1", "has no option ssl_verify"),
    ],
)
def test_an_address_that_can_not_be_meant_is_a_sentence(url: str, complaint: str) -> None:
    with pytest.raises(SettingsError, match=r"^REDIS_URL") as caught:
        load_settings(None, redis_url=url)

    assert complaint in str(caught.value)
