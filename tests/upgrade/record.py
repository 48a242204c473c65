"""Record what this release leaves in a store and beside it: `python -m tests.upgrade.record > FILE`.

Run it once for each release and keep the file in `data/`, named after the release: what comes later must
take over from there. It asks through the app and moves jobs by the store, as workers do.
"""

import base64
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from redis import Redis

from api.app import create_app
from shared.moves import Release
from shared.queue import TaskQueue
from shared.services import Services, build_services, connect
from shared.settings import load_settings
from tests.pictures import picture
from tests.redis_server import embedded_server
from tests.upgrade.requests import BATCH, KEYS, PROMPTED, SECRET, UPSCALES

_CLAIM, _LEASE_MS, _PAUSE_MS = "recorded", 30_000, 60_000
_DONE: dict[str, Any] = {
    "provider_ms": 4_000,
    "provider_request_id": "r1",
    "result": {"format": "png", "width": 64, "height": 64, "bytes": 1, "seed": 7},
    "credits": 3_000,
}


class Unsent(TaskQueue):
    """A queue that sends nothing."""

    def __init__(self) -> None:
        """Need no broker."""

    def send(self, job_id: str) -> None:
        """Send nothing."""


def record(folder: Path) -> dict[str, Any]:
    """Return what a service that is stopped in the middle of its work leaves behind."""
    with embedded_server(folder / "redis") as url:
        settings = load_settings(
            None,
            redis_url=url,
            storage_url=str(folder / "images"),
            webhook_secret=SECRET,
            webhook_allow_private="true",
            provider_rate_guard_ms=0,
            provider_rate="10000/10s",
        )
        services = build_services(settings, Unsent())
        client = create_app(services).test_client()
        jobs, batch = _accepted(client)
        _move(services, jobs, batch)
        redis = connect(url)
        return {
            "recorded": int(time.time() * 1000),
            "jobs": jobs,
            "batch": batch,
            "keys": _keys(redis),
            "images": _files(folder / "images"),
            "inputs": _files(folder / "images" / "inputs"),
        }


def _accepted(client: FlaskClient) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the ids of jobs by what becomes of them, and the batch."""
    jobs = {
        name: _answer(client.post("/generate_image", json=body, headers=KEYS.get(name, {})))[
            "job_id"
        ]
        for name, body in PROMPTED.items()
    }
    for name, fields in UPSCALES.items():
        form = {**fields, "image": (_open(picture()), "in.png")}
        jobs[name] = _answer(client.post("/upscale_image", data=form))["job_id"]
    batch = _answer(client.post("/batches", json=BATCH, headers=KEYS["batch"]))
    return jobs, {"id": batch["batch_id"], "jobs": [job["job_id"] for job in batch["jobs"]]}


def _move(services: Services, jobs: Mapping[str, str], batch: Mapping[str, Any]) -> None:
    store = services.store
    for name in ("lost", "sent", "written", "delayed", "finished", "failed", "cooking"):
        assert store.claim(jobs[name], _CLAIM, _LEASE_MS)
    for job_id in batch["jobs"][:2]:
        assert store.claim(job_id, _CLAIM, _LEASE_MS)
    begun = [*(jobs[name] for name in ("sent", "written", "finished", "failed", "cooking"))]
    for job_id in (*begun, batch["jobs"][0]):
        while store.begin_call(job_id, _CLAIM, 10_000).word != "go":
            time.sleep(0.001)
    assert store.park(jobs["cooking"], "a" * 64, _PAUSE_MS)
    assert store.release(jobs["delayed"], _CLAIM, Release(_PAUSE_MS, trouble="server_error"))
    for job_id in (jobs["written"], jobs["finished"], batch["jobs"][0]):
        job = store.get(job_id)
        assert job
        services.images.put(job.image, picture())
    for job_id in (jobs["finished"], batch["jobs"][0]):
        assert store.succeed(job_id, **_DONE)
    for job_id in (jobs["failed"], batch["jobs"][1]):
        fault = {"error": "It was refused", "error_code": "moderated", "credits": 0}
        assert store.fail(job_id, _CLAIM, **fault)
    assert store.cancel([jobs["canceled"]]) == 1
    # room for those that run and one more, for which a message is on its way then
    store.heartbeat("gone", 4, 100)
    assert len(store.dispatch()) == 1


def _answer(response: Any) -> dict[str, Any]:
    assert response.status_code == 202, response.text
    told: dict[str, Any] = response.get_json()
    return told


def _open(data: bytes) -> Any:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the client closes it
    file.write(data)
    file.seek(0)
    return file


def _keys(redis: "Redis") -> dict[str, list[Any]]:
    """Return every key but Celery's: its type, its content, and how many ms it has left (-1: no end)."""
    read: dict[str, Callable[[str], Any]] = {
        "hash": redis.hgetall,
        "string": redis.get,
        "list": lambda name: redis.lrange(name, 0, -1),
        "set": lambda name: sorted(redis.smembers(name)),
        "zset": lambda name: redis.zrange(name, 0, -1, withscores=True),
    }
    names = sorted(str(name) for name in redis.scan_iter("images:*"))
    return {
        name: [kind := str(redis.type(name)), read[kind](name), redis.pttl(name)] for name in names
    }


def _files(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.glob("*") if path.is_file())
    return {path.name: base64.b64encode(path.read_bytes()).decode() for path in files}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        json.dump(record(Path(scratch)), sys.stdout, indent=1, ensure_ascii=False)
    print()
