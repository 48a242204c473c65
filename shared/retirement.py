"""Records whose time is over, in Redis: which they are, and their end (see `shared/lua`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis

from shared.batches import Batch
from shared.deliveries import subject_of
from shared.job_index import KINDS
from shared.jobs import TERMINAL, Job
from shared.scripts import PREFIX, Scripts, answering

# So long a record outlives its picture, so that an expired one is told apart from one that never was.
OUTLIVES_MS = 86_400_000
# Where what has ended stands, the first made first; those of an owner begin with its name.
_LISTS = tuple(f"{kind}:{status}" for kind in KINDS for status in sorted(TERMINAL))


@dataclass(frozen=True, slots=True)
class Page:
    """The oldest of a list, looked at: how many of them stay, and what the others are.

    One that goes with its batch stands for that, so a batch may be named several times. `last`: what
    follows is too young.
    """

    stay: int
    last: bool
    over: tuple[str, ...]


class Retirement:
    """The end of records; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._run = Scripts(redis).run

    def lists(self) -> list[str]:
        """Return the names of the lists of all that has ended, those of one owner together."""
        with answering():
            owners = cast("set[str]", self._redis.smembers(f"{PREFIX}owners"))
        named = [f"{owner}:{name}" for owner in sorted(owners) for name in _LISTS]
        return [*_LISTS, *named]

    def pages(self, ttl_ms: int, skipped: Mapping[str, int]) -> dict[str, Page]:
        """Look at the next of each list, behind so many of its oldest, for what ended `ttl_ms` ago."""
        flat = [part for pair in skipped.items() for part in pair]
        found: Any = self._run("retirable", ttl_ms, OUTLIVES_MS, *flat)
        return {
            name: Page(int(stay), bool(last), tuple(over))
            for name, (stay, last, *over) in zip(skipped, found, strict=True)
        }

    def retire(self, thing: Job | Batch) -> bool:
        """Remove all that the store has of a job, or of a batch with its jobs; False when refused."""
        return bool(self._run("retire", subject_of(thing)))

    def erase(self, job: Job) -> bool:
        """Remove all that the store has of a job, also out of its batch; False while it may still run.

        Only its idempotency key is known on, by its hash, until its day is over: the same request again
        must not be bought unseen.
        """
        return bool(self._run("retire", subject_of(job), "erase"))

    def first_in(self, ms: int, what: str) -> bool:
        """Tell whether nobody else did this in so many ms; the others are told so from now on."""
        with answering():
            return (
                cast("bool | None", self._redis.set(f"{PREFIX}done:{what}", 1, px=ms, nx=True))
                is not None
            )
