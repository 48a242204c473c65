"""The way to Redis: its scripts, each one atomic change, and what its troubles mean to a caller."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import (
    DataError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from shared.errors import StoreUnavailable
from shared.schema import SCHEMA_VERSION, newer_store
from shared.together import Together

PREFIX = "images:"
_FOLDER = Path(__file__).parent / "lua"
_SHARED = ("counting", "common", "schema", "pacing")
# What only some have in common, behind that.
_PARTS = {
    "accept": ("picking", "placing"),
    "dispatch": ("picking",),
    "outlook": ("placing",),
}
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
    """Every script of `shared/lua`, each behind what it shares with others; may raise StoreUnavailable.

    `schema` is the form of records that they write; a store of a newer one raises OtherRelease.
    """

    def __init__(self, redis: "Redis", schema: int = SCHEMA_VERSION) -> None:
        self._redis = redis
        self._sources = _read(schema)
        self._scripts: dict[str, Script] = {}

    def run(self, name: str, *args: str | int | float) -> Any:
        """Run a script by the name of its file; return its answer."""
        with answering():
            return self._script(name)(keys=[PREFIX], args=list(args))

    def _script(self, name: str) -> Script:
        if name not in self._scripts:  # each owner of this class runs a few of them
            self._scripts[name] = self._redis.register_script(self._sources[name])
        return self._scripts[name]


@cache
def _read(schema: int) -> dict[str, str]:
    """Return the sources by name, read once for all the classes of a process that run some."""
    texts = {path.stem: path.read_text() for path in _FOLDER.glob("*.lua")}
    shared = {*_SHARED, *(name for parts in _PARTS.values() for name in parts)}

    def whole(name: str) -> str:
        behind = (*_SHARED, *_PARTS.get(name, ()), name)
        return "\n".join([f"local schema = {schema}", *(texts[each] for each in behind)])

    return {name: whole(name) for name in texts if name not in shared}


class Records:
    """Records by their keys; those that many ask for at one moment are read together."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self.get = Together(self._read).get

    def _read(self, keys: Sequence[str]) -> "list[dict[str, str]]":
        with answering(), self._redis.pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hgetall(key)
            return cast("list[dict[str, str]]", pipe.execute())


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
        word, _, number = str(error).partition(" ")
        if word == "NEWER":
            raise newer_store(int(number)) from error
        if word == "OLDER":
            raise StoreUnavailable(
                "Workers of an older release still run here; stop them, and this one goes on"
            ) from error
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
