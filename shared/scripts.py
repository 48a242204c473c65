"""The way to Redis: its scripts, each one atomic change, and what its troubles mean to a caller."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import (
    DataError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from shared.errors import StoreUnavailable

PREFIX = "images:"
_FOLDER = Path(__file__).parent / "lua"
_SHARED = ("counting", "common", "pacing")
# Redis is full, can't write its file, is a replica, or still reads its file.
_NO_SERVICE = (
    "OOM",
    "MISCONF",
    "READONLY",
    "LOADING",
    "MASTERDOWN",
    "NOREPLICAS",
    "BUSY ",
    "command not allowed",
)


class Scripts:
    """Every script of `shared/lua`, each behind what all share; may raise StoreUnavailable."""

    def __init__(self, redis: "Redis") -> None:
        common = "\n".join((_FOLDER / f"{name}.lua").read_text() for name in _SHARED)
        self._scripts = {
            path.stem: redis.register_script(f"{common}\n{path.read_text()}")
            for path in _FOLDER.glob("*.lua")
            if path.stem not in _SHARED
        }

    def run(self, name: str, *args: str | int | float) -> Any:
        """Run a script by the name of its file; return its answer."""
        with answering():
            return self._scripts[name](keys=[PREFIX], args=list(args))


def pairs(flat: Sequence[str]) -> dict[str, str]:
    """Return a record from what a script answers: name, value, name, value, …"""
    parts = iter(flat)
    return dict(zip(parts, parts, strict=True))


@contextmanager
def answering() -> Iterator[None]:
    """Raise StoreUnavailable for what says that Redis is away or can't serve."""
    try:
        yield
    except ResponseError as error:
        # a script that fails is a defect, and must not look like an outage
        # redis-py strips the code of the errors it has a class for
        away = isinstance(error, (ReadOnlyError, MasterDownError, OutOfMemoryError))
        if not away and not any(word in str(error) for word in _NO_SERVICE):
            raise
        raise StoreUnavailable("The job store can't take anything now; try again") from error
    except DataError:  # an argument of ours that no command takes
        raise
    except RedisError as error:
        raise StoreUnavailable("The job store does not answer; try again shortly") from error
