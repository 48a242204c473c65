"""The breaker between jobs and a provider that is down, or that refuses this service.

Closed, calls go out and failures in a row are counted; open, no job is started and a free call probes;
half open, one job goes first. It is one for all workers, each change one atomic script.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from redis import Redis

from shared.scripts import PREFIX, Scripts, answering

# A probe that is not told of in this time is another's to make.
_PROBE_MS = 30_000
Why = Literal["provider_unavailable", "provider_auth", "provider_credits"]
# What a failure means: counted only, the one that opens the breaker, or one more while it is not closed.
Verdict = Literal["closed", "opened", "open"]


@dataclass(frozen=True, slots=True)
class BreakerState:
    """How the breaker stands; `since` (ms since the epoch) is when it opened."""

    state: Literal["closed", "open", "half_open"] = "closed"
    why: Why | None = None
    since: int | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "BreakerState":
        """Return what the store keeps as a state."""
        if "state" not in record:
            return cls()
        return cls(record["state"], record["why"], int(record["since"]))


@dataclass(frozen=True, slots=True)
class Probe:
    """A probe to make: why the breaker is open, and what one of the next jobs costs, in thousandths."""

    why: Why
    price: int


class Breaker:
    """Tell it what calls meet, and make its probes; every method may raise StoreUnavailable."""

    def __init__(self, redis: "Redis") -> None:
        self._redis = redis
        self._prober = secrets.token_hex(8)
        self._run = Scripts(redis).run

    def state(self) -> BreakerState:
        """Return how it stands."""
        with answering():
            return BreakerState.of(cast("dict[str, Any]", self._redis.hgetall(f"{PREFIX}breaker")))

    def note_failure(self, job_id: str, why: Why, *, sure: bool = True) -> Verdict:
        """Note that a paid call failed for what lies with the provider, or our account there.

        Not `sure`: it may be the job after all, and then one job alone does not open the breaker.
        """
        return cast("Verdict", self._run("note_failure", job_id, why, int(sure)))

    def note_answer(self, job_id: str) -> None:
        """Note that the provider answered a paid call as one does that is well."""
        self._run("note_answer", job_id)

    def take_probe(self) -> Probe | None:
        """Return the probe that is due, for this caller alone to make; None when none is.

        Whoever asks again before telling how it went has lost the answer, and is given the probe again.
        """
        answer = self._run("take_probe", _PROBE_MS, self._prober)
        return Probe(*answer) if answer else None

    def tell_probe(self, outcome: Literal["ok"] | Why, balance: int | None = None) -> None:
        """Tell how a probe went: "ok", or why the breaker stays open; and the balance if told."""
        self._run("tell_probe", outcome, "" if balance is None else balance)
