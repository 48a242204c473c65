"""Put into a store what a release has left, as if it had been stopped a moment ago."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any

from redis import Redis

from shared.image_store import INPUTS
from tests.upgrade.requests import RECEIVER

_DAY_MS = 86_400_000


def moved_here(text: str, receiver: str) -> dict[str, Any]:
    """Return a recording, its times moved to now and its webhooks to a receiver (host and port)."""
    recorded = int(json.loads(text)["recorded"])
    shift = int(time.time() * 1000) - recorded

    def moved(found: re.Match[str]) -> str:
        ms = int(found[0])
        return str(ms + shift) if abs(ms - recorded) < 30 * _DAY_MS else found[0]

    # 13 digits that stand alone and are near that moment are a time in ms
    told: dict[str, Any] = json.loads(
        re.sub(r"(?<![\da-zA-Z])\d{13}(?![\da-zA-Z])", moved, text.replace(RECEIVER, receiver))
    )
    days = recorded // _DAY_MS, (recorded + shift) // _DAY_MS
    told["keys"] = {
        re.sub(rf":{days[0]}$", f":{days[1]}", name): kept for name, kept in told["keys"].items()
    }
    return told


def restore(told: dict[str, Any], redis: "Redis", folder: Path) -> None:
    """Write a recording into an empty database and the folder of pictures."""
    for name, (kind, content, left) in told["keys"].items():
        _write(redis, name, kind, content)
        if left > 0:
            redis.pexpire(name, left)
    for kept, place in ((told["images"], folder), (told["inputs"], folder / INPUTS)):
        place.mkdir(parents=True, exist_ok=True)
        for name, data in kept.items():
            (place / name).write_bytes(base64.b64decode(data))


def _write(redis: "Redis", name: str, kind: str, content: Any) -> None:
    if kind == "hash":
        redis.hset(name, mapping=content)
    elif kind == "zset":
        redis.zadd(name, dict(content))
    elif kind == "set":
        redis.sadd(name, *content)
    elif kind == "list":
        redis.rpush(name, *content)
    else:
        redis.set(name, content)
