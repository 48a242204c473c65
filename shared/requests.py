"""How many requests each key has sent, counted over all web processes, in Redis."""

from dataclasses import dataclass

from redis import Redis

from shared.limits import NO_LIMITS, KeyLimits
from shared.over_limit import TooManyRequests
from shared.scripts import Scripts


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a key's requests: so many of `most`, one more in `seconds`."""

    most: int
    left: int
    seconds: int


class Requests:
    """Count requests; may raise StoreUnavailable."""

    def __init__(self, redis: "Redis", limits: KeyLimits = NO_LIMITS) -> None:
        self._limits = limits
        self._run = Scripts(redis).run

    def take(self, owner: str) -> Allowance | None:
        """Count one of an owner's requests; return what is left, None without a limit.

        Raises TooManyRequests. One whose answer was lost on its way from Redis may count twice.
        """
        most = self._limits.of(owner).requests_per_minute
        if most is None:
            return None
        granted, left, ms = self._run("take_request", owner, most)
        if not granted:
            raise TooManyRequests(most, ms)
        return Allowance(most, left, -(-ms // 1000))
