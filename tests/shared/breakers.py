"""A breaker brought to a state, for the tests of it."""

from redis import Redis

from shared.breaker import Breaker, Why
from shared.scripts import PREFIX
from tests.builders import now_ms

DOWN: Why = "provider_unavailable"
REFUSALS: list[Why] = ["provider_auth", "provider_credits"]


def opened(breaker: Breaker, why: Why = DOWN) -> Breaker:
    """Return a breaker that is open."""
    for number in range(5):
        breaker.note_failure(f"job {number}", why)
    assert breaker.state().state == "open"
    return breaker


def half_open(breaker: Breaker, redis: "Redis", why: Why = DOWN) -> Breaker:
    """Return a breaker whose probe went well."""
    opened(breaker, why)
    redis.hset(f"{PREFIX}breaker", "probe_at", 1)
    assert breaker.take_probe()
    breaker.tell_probe("ok")
    assert breaker.state().state == "half_open"
    return breaker


def pause_before_probe(redis: "Redis") -> int:
    """Return in how many ms the next probe is due."""
    return int(redis.hget(f"{PREFIX}breaker", "probe_at") or 0) - now_ms(redis)
