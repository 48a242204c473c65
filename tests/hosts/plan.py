"""Which hosts are cut off, from what, and for how long: all by the seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.judge import CUT_FROM_PROVIDER, CUT_FROM_REDIS
from tests.hosts.house import APIS, WORKERS

# About what passes from the end of a cut to the next: until all works again, and some calm.
PAUSE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Cables of a host that are out for so many seconds; `whats` names that to the judge."""

    host: str
    networks: tuple[str, ...]
    seconds: float
    whats: tuple[str, ...]
    from_what: str = "everything"


def plan(seed: int, seconds: float, only: str = "") -> list[Cut]:
    """Return the cuts that so many seconds have room for, at least one; `only` of hosts called so."""
    rng = random.Random(seed)
    cuts: list[Cut] = []
    left = seconds
    while True:
        for cut in _round(rng):
            if not cut.host.startswith(only):
                continue
            left -= cut.seconds + PAUSE_SECONDS
            if cuts and left < 0:
                return cuts
            cuts.append(cut)


def _round(rng: random.Random) -> Iterator[Cut]:
    """Yield each way to be cut off; those of one kind hit different hosts."""
    first, second, third = rng.sample(WORKERS, 3)
    one, other = rng.sample(APIS, 2)
    from_redis, from_provider = (CUT_FROM_REDIS,), (CUT_FROM_PROVIDER,)
    # longer than a lease of 30 s; it goes on to hear the provider
    yield Cut(first, ("back",), rng.uniform(38, 50), from_redis, "Redis and storage")
    yield Cut(second, ("out",), rng.uniform(20, 30), from_provider, "the provider")
    yield Cut(third, ("back", "out"), rng.uniform(32, 40), from_redis + from_provider)
    # so short that calls wait for their connections meanwhile, and all come through at once
    yield Cut("sandbox", ("out",), rng.uniform(1, 6), from_provider, "all workers")
    yield Cut(one, ("back",), rng.uniform(15, 25), ("api",), "Redis and storage")
    yield Cut(other, ("front", "back"), rng.uniform(10, 20), ("api",))
    yield Cut("redis", ("back",), rng.uniform(10, 15), ("redis",))
    yield Cut("redis", ("back",), rng.uniform(35, 50), ("redis",))
    yield Cut("bucket", ("back",), rng.uniform(40, 55), ("bucket",))
