"""A real embedded server for tests, started by the product's own command."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from shared import embedded_redis

ROOT = Path(__file__).parent.parent


@contextmanager
def embedded_server(folder: Path) -> Iterator[str]:
    """Run a server with its data in a folder; give its URL."""
    url = embedded_redis.prepare(folder)
    process = start(folder)
    try:
        wait_until_it_answers(url)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def full(client: "redis.Redis") -> Iterator[None]:
    """Leave a server without room, for as long as the block lasts."""
    client.config_set("maxmemory", 1)
    try:
        yield
    finally:
        client.config_set("maxmemory", 0)


def start(folder: Path) -> "subprocess.Popen[bytes]":
    """Start the server of a folder that was prepared."""
    environment = {**os.environ, "DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "shared.embedded_redis"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL)


def wait_until_it_answers(url: str, seconds: float = 15) -> None:
    """Return when a server answers; fail after so many seconds."""
    end = time.monotonic() + seconds
    with redis.Redis.from_url(url, socket_timeout=1) as client:
        while True:
            try:
                client.ping()
            except redis.RedisError:
                assert time.monotonic() < end, "the embedded server does not answer"
                time.sleep(0.02)
            else:
                return
