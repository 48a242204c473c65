"""The images of a batch in one zip, sent as it is made: memory holds a piece of one image at a time."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Response
from zipstream import ZipStream

from shared.batches import Batch
from shared.jobs import Job
from shared.services import Services
from shared.views import batch_view, job_view

_PIECE_BYTES = 256 * 1024


def archive(batch: Batch, services: Services) -> Response:
    """Answer the images that are finished now, and a manifest that tells of every job."""
    jobs = services.index.jobs(batch.jobs)
    response = Response(_zipped(batch, jobs, services), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="batch-{batch.id}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _zipped(batch: Batch, jobs: list[Job], services: Services) -> Iterator[bytes]:
    # stored and not deflated: pictures are compressed already, and other callers wait meanwhile
    zipped = ZipStream(sized=False)
    told: list[dict[str, Any]] = []
    for number, job in enumerate(jobs, start=1):
        path = services.images.find(job.image) if job.status == "succeeded" else None
        name = f"{number:03}{path.suffix}" if path else None
        told.append({"file": name, **job_view(job, services.settings)})
        if path and name:
            zipped.add(_pieces(path), name)
            yield from zipped.all_files()
    manifest = {**batch_view(batch, jobs, services.settings), "jobs": told}
    zipped.add(json.dumps(manifest, ensure_ascii=False, indent=1), "manifest.json")
    yield from zipped.all_files()
    yield from zipped.finalize()


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece
