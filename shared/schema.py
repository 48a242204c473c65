"""The form of records that this release writes, and what is done about those of another.

Older forms are read: a field may be missing, and what scripts could misread is brought into the present
form by `shared/lua/schema.lua`. A newer form is refused, before anything is changed.
"""

from collections.abc import Mapping

from shared.errors import OtherRelease

# Raised only when an older release would misread a record: a field that is new, and may be missing, is
# no reason (see "Upgrading" in docs/operations.md).
SCHEMA_VERSION = 1


def newer_store(written: int) -> OtherRelease:
    """Return the fault of a store, or a record, in a form that only a newer release knows."""
    return OtherRelease(
        f"A newer release has written to this job store (form {written}; this one knows"
        f" {SCHEMA_VERSION}): run that one"
    )


def check_form(record: Mapping[str, str]) -> None:
    """Raise OtherRelease for a record of a job or a batch that only a newer release knows to read."""
    written = int(record.get("schema", SCHEMA_VERSION))
    if written > SCHEMA_VERSION:
        raise newer_store(written)
