"""Examples of answers, made by the code that makes the answers."""

from dataclasses import replace
from typing import Any

from api.openapi.words import CODES
from shared.batches import Batch
from shared.jobs import Job
from shared.moves import Outlook
from shared.settings import Settings
from shared.views import batch_view, job_view

_REQUEST_ID = "5f0b1c2d3e4f5a6b"
_CREATED = 1_795_428_000_123
_QUEUED = Job(
    id="9f1c3b52d0a74e6f8b1c2d3e4f5a6b7c",
    kind="generate",
    operation="generate/core",
    variant="core",
    request={
        "model": "core",
        "prompt": "A magical forest",
        "aspect_ratio": "1:1",
        "output_format": "webp",
    },
    image="Kq3vXo0bT9sLw2RzYc7dHn.webp",
    estimate=3_000,
    created=_CREATED,
    deadline=_CREATED + 86_400_000,
)
_SUCCEEDED = replace(
    _QUEUED,
    status="succeeded",
    revision=4,
    started=_CREATED + 12,
    finished=_CREATED + 4_655,
    attempts=1,
    provider_ms=4_630,
    credits=3_000,
    result={"format": "webp", "width": 1536, "height": 1536, "bytes": 183_224, "seed": 343_940_597},
    provider_request_id="4c1f0e9d8b7a6f5e",
)
_BATCH = Batch(
    id="1b7e0c94a2d84f3f9e6d5c4b3a291807", jobs=(_QUEUED.id,), created=_CREATED, queued=1
)


def answer_samples(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return an example by the name of each answer that has one."""
    waiting = {**job_view(_QUEUED, settings, Outlook(3, 4_000))}
    ended = {**job_view(_SUCCEEDED, settings)}
    batch = {**batch_view(_BATCH, [replace(_QUEUED, batch=_BATCH.id)], settings)}
    done = replace(_BATCH, queued=0, succeeded=1, finished=_SUCCEEDED.finished, revision=4)
    done_view = {**batch_view(done, [replace(_SUCCEEDED, batch=_BATCH.id)], settings)}
    return {
        "JobAccepted": waiting,
        "JobEnded": ended,
        "JobFound": ended,
        "JobsPage": {"jobs": [ended], "next_cursor": None},
        "JobRefused": {**ended, **fault_sample("conflict")},
        "BatchAccepted": batch,
        "BatchEnded": done_view,
        "BatchFound": done_view,
        "BatchRefused": {**done_view, **fault_sample("conflict")},
    }


def fault_sample(code: str) -> dict[str, Any]:
    """Return an example of a fault of this code."""
    told: dict[str, Any] = {
        "error": CODES[code].replace("`", ""),
        "error_code": code,
        "request_id": _REQUEST_ID,
    }
    if code == "invalid_request":
        told["error"] = "Prompt is required"
        told["errors"] = [{"field": "prompt", "error": "Prompt is required"}]
    return told
