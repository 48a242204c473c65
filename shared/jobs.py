"""A job: its record, its states, and its names."""

import json
import re
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Literal

from shared.image_file import EXTENSIONS
from shared.operations import Kind
from shared.schema import check_form

Status = Literal["queued", "running", "succeeded", "failed", "canceled"]
TERMINAL = frozenset({"succeeded", "failed", "canceled"})
# What an id of a job or a batch looks like.
ID_PATTERN = "^[0-9a-f]{32}$"

_LETTERS = string.ascii_letters + string.digits
_TOKEN_LENGTH = 22


@dataclass(frozen=True, slots=True)
class Job:
    """One image to make, as the job store knows it.

    Times are milliseconds since the epoch by the store's clock; `credits` and `estimate` are
    thousandths of a credit; `image` and `input` are names in the image store. `attempts` counts
    the provider calls that may have been charged or were refused, `unknown` those of them whose
    outcome nobody knows, and `unreached` the tries since then that never reached it; `claim` names the
    latest claim, and `trouble` is the code of what last sent the job back into the queue.
    `owner` is the name of the client key that submitted it, "" the open caller; `batch` and `retry_of`
    are ids; `image_gone` tells why a picture that was made is there no more, and `expires` when it will
    be removed. `sent` is when the latest paid call was sent, `provider_id` by
    what the provider knows what it began: with it a job is only asked for, and never sent again.
    """

    id: str
    kind: Kind
    operation: str
    variant: str
    request: Mapping[str, Any]
    image: str
    estimate: int
    created: int
    deadline: int
    status: Status = "queued"
    revision: int = 1
    request_id: str = ""
    metadata: Mapping[str, str] | None = None
    input: str = ""
    started: int | None = None
    finished: int | None = None
    attempts: int = 0
    unknown: int = 0
    unreached: int = 0
    sent: int | None = None
    slot: int | None = None
    provider_id: str = ""
    provider_ms: int | None = None
    result: Mapping[str, Any] | None = None
    credits: int | None = None
    error: str | None = None
    error_code: str | None = None
    trouble: str | None = None
    provider_request_id: str | None = None
    claim: str = ""
    owner: str = ""
    batch: str = ""
    retry_of: str = ""
    webhook: str = ""
    image_gone: str = ""
    expires: int | None = None

    @property
    def terminal(self) -> bool:
        """Whether the job has ended; nothing leaves such a state."""
        return self.status in TERMINAL


_NUMBERS = frozenset({
    "estimate", "created", "deadline", "revision", "started", "finished", "attempts", "unknown",
    "unreached", "sent", "slot", "provider_ms", "credits", "expires",
})  # fmt: skip
_DOCUMENTS = frozenset({"request", "metadata", "result"})
_NAMES = frozenset(field.name for field in fields_of(Job))
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def to_record(fields: Mapping[str, Any]) -> dict[str, str]:
    """Turn fields of a job into what the store keeps; None and empty are left out."""
    return {
        name: _to_json(value) if name in _DOCUMENTS else str(value)
        for name, value in fields.items()
        if value not in (None, "", {})
    }


def from_record(job_id: str, record: Mapping[str, str]) -> Job:
    """Turn what the store keeps into a job; fields that a newer release added are left alone.

    Raises OtherRelease for a form that only a newer release knows.
    """
    check_form(record)
    fields: dict[str, Any] = {}
    for name, value in record.items():
        if name in _NUMBERS:
            fields[name] = int(value)
        elif name in _DOCUMENTS:
            fields[name] = json.loads(value)
        elif name in _NAMES:
            fields[name] = value
    return Job(id=job_id, **fields)


def flat(record: Mapping[str, str]) -> list[str]:
    """Return a record as scripts take it: name, value, name, value, …"""
    return [part for pair in record.items() for part in pair]


def new_job_id() -> str:
    """Return a fresh job id: 128 random bits in hex."""
    return secrets.token_hex(16)


def new_image_name(output_format: str) -> str:
    """Return a fresh file name: 22 letters or digits (131 random bits) and an extension."""
    # one draw for all letters: each is a call of the operating system
    number, token = secrets.randbelow(len(_LETTERS) ** _TOKEN_LENGTH), ""
    for _ in range(_TOKEN_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        token += _LETTERS[letter]
    return f"{token}.{EXTENSIONS[output_format]}"


def input_name(job_id: str, format: str) -> str:
    """Return the file name of a job's input: it tells whose it is, should nothing else know."""
    return f"{job_id}.{EXTENSIONS[format]}"


def job_of_input(name: str) -> str | None:
    """Return the id of the job that an input tells by its name; those of older jobs tell none."""
    job_id = name.partition(".")[0]
    return job_id if re.match(ID_PATTERN, job_id) else None
