"""The operator's word that no call is bought: kept in the store, so that it holds for everybody."""

from dataclasses import dataclass
from typing import cast

from redis import Redis

from shared.scripts import PREFIX, Scripts, answering

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Halted:
    """Since when (ms since the epoch) nothing is bought, and why, as callers are told."""

    since: int
    reason: str = ""


class Halt:
    """Begin and end the operator's pause; every method may raise StoreUnavailable.

    No paid call begins while it lasts: `dispatch` picks no job for one, and `begin_call` lets none out.
    """

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._run = Scripts(redis).run

    def begin(self, reason: str = "") -> Halted:
        """Pause, or change the reason of the pause that there is; return how it stands."""
        return Halted(int(self._run("halt", reason)), reason)

    def end(self) -> None:
        """Resume, whether there is a pause or not."""
        with answering():
            self._redis.delete(f"{PREFIX}halt")

    def state(self) -> Halted | None:
        """Return the pause, None when there is none."""
        with answering():
            told = cast("dict[str, str]", self._redis.hgetall(f"{PREFIX}halt"))
        return Halted(int(told["since"]), told["reason"]) if told else None
