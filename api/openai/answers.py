"""Finished images as the OpenAI API tells them; memory holds a piece of one of them at a time."""

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import BinaryIO

from flask import Response, jsonify

from api import errors
from api.errors import STATUS
from api.openai import faults
from api.openai.shapes import OpenAIErrorView, PicturesView, PictureView
from shared.errors import Gone
from shared.jobs import Job
from shared.services import Services
from shared.settings import Settings

_PIECE_BYTES = 192 * 1024
_CANCELED = "The job was canceled; no image was made"


def images(jobs: Sequence[Job], services: Services, *, inline: bool) -> Response:
    """Answer the images of jobs that have ended; or the first one's fault when there is none.

    May raise Gone, for an image that was removed, and OSError.
    """
    made = [job for job in jobs if job.status == "succeeded"]
    if not made:
        response = errors.answer(*_fault(jobs[0]))
        # the same request would be told the same: clients need not try
        response.headers["X-Should-Retry"] = "false"
        return response
    if any(job.image_gone for job in made):
        raise Gone("The image is no longer kept")
    told = _told(made, [job for job in jobs if job.status != "succeeded"])
    response = _inline(told, made, services) if inline else _named(told, made, services.settings)
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(made: Sequence[Job], failed: Sequence[Job]) -> PicturesView:
    first = made[0]
    result = first.result or {}
    told = PicturesView(
        created=(first.finished or first.created) // 1000,
        model=first.variant,
        output_format=first.request["output_format"],
        size=f"{result.get('width')}x{result.get('height')}",
        data=[],
    )
    if failed:
        told["errors"] = [_error(job) for job in failed]
    return told


def _error(job: Job) -> OpenAIErrorView:
    status, code, message = _fault(job)
    return faults.error(faults.told(status, code, message)[0], code, message)


def _fault(job: Job) -> tuple[int, str, str]:
    """Return the status, the code and the sentence of a job that made no image."""
    if job.status == "canceled":
        return STATUS["conflict"], "conflict", _CANCELED
    code = job.error_code or "internal"
    return STATUS[code], code, job.error or "The job failed"


def _named(told: PicturesView, made: Sequence[Job], settings: Settings) -> Response:
    # such a program knows this service by an address of its own, and can't complete a path
    data = [PictureView(url=f"{settings.own_url}/saved_images/{job.image}") for job in made]
    response: Response = jsonify({**told, "data": data})
    return response


def _inline(told: PicturesView, made: Sequence[Job], services: Services) -> Response:
    # opened before anything is said: from then on each may be deleted and is still sent whole
    with ExitStack() as opening:
        files = [opening.enter_context(_opened(job, services)) for job in made]
        opened = opening.pop_all()
    response = Response(_written(told, files), mimetype="application/json")
    response.call_on_close(opened.close)
    return response


def _opened(job: Job, services: Services) -> BinaryIO:
    found = services.images.find(job.image)
    if found is None:
        raise Gone("The image is no longer kept")
    return found.hold()


def _written(told: PicturesView, files: Sequence[BinaryIO]) -> Iterator[bytes]:
    """Yield the answer with the images in it."""
    head = {name: value for name, value in told.items() if name != "data"}
    yield f'{json.dumps(head)[:-1]}, "data": ['.encode()
    for number, file in enumerate(files):
        yield b', {"b64_json": "' if number else b'{"b64_json": "'
        yield from encoded(file)
        yield b'"}'
    yield b"]}\n"


def encoded(file: BinaryIO) -> Iterator[bytes]:
    """Yield a file in base64, in pieces as it gives them."""
    rest = b""
    while piece := file.read(_PIECE_BYTES):
        piece = rest + piece
        whole = len(piece) - len(piece) % 3  # a piece may end anywhere, base64 only there
        yield b64encode(piece[:whole])
        rest = piece[whole:]
    yield b64encode(rest)
