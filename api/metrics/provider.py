"""The provider: its answers, its limit, and what keeps calls from going out."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from api.metrics.families import counter, counters, gauge, gauges
from shared.census import Census
from shared.settings import Settings

_COUNTED = {
    "calls_repeated_unknown_outcome": "Provider calls repeated although the one before may be charged.",
    "messages_put_back": "Messages that no worker took, whose jobs were sent again.",
    "rate_limited": "Lock-outs by the provider (429).",
    "breaker_opened": "Times at which the provider was found down, or refused this service.",
    "provider_slots": "Calls that were let go, each in a slot of the provider's limit.",
}
_HOLDUPS = ("provider_unavailable", "provider_auth", "provider_credits", "rate_limited", "paused")
_BREAKER = ("closed", "open", "half_open")


def metrics(census: Census, settings: Settings, *, halted: bool) -> Iterator[Metric]:
    """Yield what is told of the provider."""
    yield from _held_up(census, halted=halted)
    for name, what in _COUNTED.items():
        yield counter(name, what, census.counts.get(name, 0))
    what = "Calls that were let go in the last window of the provider's limit."
    yield gauge("provider_slots_used", what, census.now.slots_used)
    what = "Calls that the provider allows in a window (PROVIDER_RATE)."
    yield gauge("provider_slots_limit", what, settings.provider_rate.calls)
    what = "Answers of the provider by status code, and calls without one by why."
    answers = dict(census.tallies.named("provider_answers"))
    yield counters("provider_answers", what, ["operation", "code"], answers)


def _held_up(census: Census, *, halted: bool) -> Iterator[Metric]:
    paused_ms = census.now.paused_ms
    # each by itself: a pause must not hide that the key is refused
    states = {census.breaker.why, "paused" if halted else "", "rate_limited" if paused_ms else ""}
    held = {reason: float(reason in states) for reason in _HOLDUPS}
    what = "1 for each thing that keeps all jobs from being started."
    yield gauges("provider_held_up", what, ["reason"], held)
    what = "For how long nobody calls the provider."
    yield gauge("provider_paused_seconds", what, paused_ms / 1000)
    breaker = {state: float(state == census.breaker.state) for state in _BREAKER}
    what = "1 for the state of the breaker between jobs and the provider."
    yield gauges("breaker_state", what, ["state"], breaker)
