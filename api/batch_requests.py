"""From the body of `POST /batches` to its jobs: all of them valid, or every fault told by its index."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from api.bodies import KEY_FIELD, MOST_FIELDS, WAIT_FIELD, Body, printable
from api.complaints import Complaint, complaint, of_jobs
from api.sources import sent
from api.submission import Piece, Submission, misfits
from api.uploads import images_in, read_image, unknown_files
from api.validation import Envelope, read_envelope, read_order
from api.webhook_urls import WEBHOOK_FIELD
from shared.errors import InvalidRequest
from shared.settings import Settings

OWN_FIELDS = ("metadata", WEBHOOK_FIELD)
_KNOWN = ("jobs", "defaults", *OWN_FIELDS, WAIT_FIELD, KEY_FIELD)
_OF_THE_BATCH = "is taken by the batch as a whole, not by one of its jobs"
_FEW_FIELDS = f"of at most {MOST_FIELDS} fields"
Numbered = dict[str, Any]


def read_batch(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Return the jobs that a batch asks for; raise InvalidRequest with every fault of every job."""
    if body.typed:
        return _read_prompts(body, settings, faults)
    return _read_images(body, settings, faults)


def _read_prompts(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Read `jobs`, each a body of `/generate_image` laid over `defaults`."""
    found = [
        complaint(name, f"is not taken by a batch; it takes {', '.join(_KNOWN)}")
        for name in body.fields
        if name not in _KNOWN
    ]
    entries = body.fields.get("jobs")
    if not isinstance(entries, list) or not 1 <= len(entries) <= settings.batch_max_jobs:
        found.append(_wrong_number("jobs", "a list of", "jobs", settings))
        entries = []
    given = body.fields.get("defaults")
    defaults = _object({} if given is None else given)
    if defaults is None:
        found.append(complaint("defaults", f"must be an object {_FEW_FIELDS}"))
        entries = []  # nobody can tell what they would be
    envelope, wrong = read_envelope(_own(body), True, settings)
    read = [_read_entry(defaults or {}, _object(entry), settings) for entry in entries]
    return _judged(read, envelope, [*found, *wrong, *faults])


def _read_entry(
    defaults: Mapping[str, Any], entry: Mapping[str, Any] | None, settings: Settings
) -> tuple[Piece | None, list[Complaint]]:
    if entry is None:
        return None, [complaint("jobs", f"must hold objects {_FEW_FIELDS}, each with a prompt")]
    fields = {**defaults, **entry}
    kept = {name: value for name, value in fields.items() if name not in {WAIT_FIELD, KEY_FIELD}}
    found = [complaint(name, _OF_THE_BATCH) for name in fields if name not in kept]
    order, more = read_order("generate", Body(kept, {}, typed=True), settings)
    return Piece(order) if order else None, [*more, *found]


def _object(given: object) -> dict[str, Any] | None:
    if isinstance(given, dict) and len(given) <= MOST_FIELDS:
        return printable(given)
    return None


def _read_images(body: Body, settings: Settings, faults: Sequence[Complaint]) -> Submission:
    """Read several `image` files; the fields of `/upscale_image` are those of each.

    All but the webhook: that is the batch's alone.
    """
    images = images_in(body.files)
    of_each = {name: value for name, value in body.fields.items() if name != WEBHOOK_FIELD}
    order, found = read_order("upscale", replace(body, fields=of_each), settings)
    found += unknown_files(body.files)
    if not 1 <= len(images) <= settings.batch_max_jobs:
        found.append(_wrong_number("image", "", "files", settings))
        images = []
    envelope, wrong = read_envelope(_own(body), False, settings)
    read: list[tuple[Piece | None, list[Complaint]]] = []
    for image in images:
        time.sleep(0)  # let other callers of this process in between
        upload, problems = read_image(image, settings)
        if upload and order and not problems:
            problems = misfits(upload, order)
        read.append((Piece(order, sent(upload)) if order and upload else None, problems))
    return _judged(
        read, envelope, [*found, *(fault for fault in wrong if fault not in found), *faults]
    )


def _own(body: Body) -> dict[str, Any]:
    return {name: body.fields[name] for name in OWN_FIELDS if body.fields.get(name) is not None}


def _wrong_number(field: str, what: str, unit: str, settings: Settings) -> Complaint:
    return complaint(
        field, f"must be {what} 1 to {settings.batch_max_jobs} {unit}".replace("  ", " ")
    )


def _judged(
    read: Sequence[tuple[Piece | None, list[Complaint]]],
    envelope: Envelope | None,
    found: list[Complaint],
) -> Submission:
    wrong = [index for index, (_, problems) in enumerate(read) if problems]
    numbered: list[Numbered] = [
        {"index": index, **problem} for index in wrong for problem in read[index][1]
    ]
    if wrong:
        raise InvalidRequest([*numbered, *found], of_jobs(len(wrong), len(read)))
    if found or envelope is None:
        raise InvalidRequest(list(found))
    pieces = tuple(piece for piece, _ in read if piece)
    return Submission(pieces, envelope)
