"""The images of a batch in one zip, sent as it is made: memory holds a piece of one image at a time."""

import json
from collections.abc import Generator, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from flask import Response
from zipstream import ZipStream

from shared.batches import Batch
from shared.image_store import ImageStore
from shared.jobs import Job
from shared.services import Services
from shared.views import batch_view, job_view

_PIECE_BYTES = 256 * 1024


def archive(batch: Batch, services: Services) -> Response:
    """Answer the images that are finished now, and a manifest that tells of every job."""
    batch, jobs = services.index.whole(batch)
    pieces = _zipped(batch, jobs, services)
    # the first is made now: that the storage is away is an answer, and later a broken file
    response = Response(chain([next(pieces)], pieces), mimetype="application/zip")
    response.call_on_close(pieces.close)
    response.headers["Content-Disposition"] = f'attachment; filename="batch-{batch.id}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _zipped(batch: Batch, jobs: list[Job], services: Services) -> Generator[bytes]:
    # stored and not deflated: pictures are compressed already, and other callers wait meanwhile
    zipped = ZipStream(sized=False)
    told: list[dict[str, Any]] = []
    for number, job in enumerate(jobs, start=1):
        file = _opened(job, services.images)
        name = f"{number:03}{Path(job.image).suffix}" if file else None
        told.append({"file": name, **job_view(job, services.settings)})
        if file and name:
            with file:
                zipped.add(_pieces(file), name)
                yield from zipped.all_files()
    manifest = {**batch_view(batch, jobs, services.settings), "jobs": told}
    zipped.add(json.dumps(manifest, ensure_ascii=False, indent=1), "manifest.json")
    yield from zipped.all_files()
    yield from zipped.finalize()


def _opened(job: Job, images: ImageStore) -> BinaryIO | None:
    """Open a job's image, if it is there: from then on it may be deleted and is still sent whole."""
    picture = images.find(job.image) if job.status == "succeeded" else None
    try:
        return picture.hold() if picture else None
    except FileNotFoundError:
        return None


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece
