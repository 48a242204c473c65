"""The key by which a caller may send the same request again without paying twice."""

import hashlib
import json
from dataclasses import dataclass

from flask import Request

from api.bodies import KEY_FIELD, Body
from api.complaints import Complaint, complaint
from api.submission import Piece, Submission
from shared.moves import Replay

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
_WRONG = f"must be 1 to {LONGEST_KEY} characters"


@dataclass(frozen=True, slots=True)
class Key:
    """What a request carries as its key, if anything, and what is wrong with it."""

    value: str | None
    faults: tuple[Complaint, ...] = ()


def read_key(request: Request, body: Body) -> Key:
    """Return the key of the header or of the body's `idempotency_key`."""
    header, field = request.headers.get(HEADER), body.fields.get(KEY_FIELD)
    given = {HEADER: _bare(header), KEY_FIELD: field}
    keys = {name: key for name, key in given.items() if key is not None}
    faults = [complaint(name, _WRONG) for name, key in keys.items() if not _is_key(key)]
    if not faults and len(set(keys.values())) > 1:
        faults = [complaint(KEY_FIELD, f"must be the same as the header {HEADER}")]
    if faults or not keys:
        return Key(None, tuple(faults))
    return Key(str(next(iter(keys.values()))))


def replay_of(key: Key, owner: str, path: str, submission: Submission) -> Replay | None:
    """Return what the store compares: the caller's key, and what was asked for at which path.

    Who waits how long is no part of that; an image counts by its bytes, or by what names it.
    """
    if key.value is None:
        return None
    batch = submission.batch.model_dump() if submission.batch else None
    asked = [batch, *(_asked(piece) for piece in submission.pieces)]
    return Replay(_of(key.value, owner), _digest([path, asked]))


def replay_of_call(key: Key, owner: str, path: str) -> Replay | None:
    """Return what the store compares of a call that asks for nothing but itself."""
    return None if key.value is None else Replay(_of(key.value, owner), _digest([path]))


def _of(value: str, owner: str) -> str:
    """Return the name of a key in the store: every owner has keys of its own."""
    return f"{owner}:{_digest(value)}" if owner else _digest(value)


def _asked(piece: Piece) -> dict[str, object]:
    order, source = piece.order, piece.source
    return {
        "request": order.request,
        "metadata": order.metadata,
        "deadline_seconds": order.deadline_seconds,
        "webhook_url": order.webhook,
        "image": source.mark if source else None,
    }


def _bare(header: str | None) -> str | None:
    """Return a header's key without the quotes that the draft standard asks for."""
    if header is not None and len(header) >= 2 and header[0] == header[-1] == '"':
        return header[1:-1]
    return header


def _is_key(key: object) -> bool:
    return isinstance(key, str) and 1 <= len(key) <= LONGEST_KEY


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
