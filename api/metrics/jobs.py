"""Jobs and money: what came, waits, runs, has ended and how, and what it cost."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from api.metrics.families import counters, gauge, gauges, histogram
from shared.census import Census
from shared.errors import job_error_codes
from shared.job_index import KINDS
from shared.jobs import TERMINAL
from shared.operations import BY_VARIANT
from shared.settings import Settings

_CODES = ("", *sorted(job_error_codes()))
# From the start, each at zero: of a total that comes from nowhere Prometheus can't tell the increase.
_ENDS = [
    (kind, status, code)
    for kind in KINDS
    for status in sorted(TERMINAL)
    for code in _CODES
    if bool(code) == (status == "failed")
]


def metrics(census: Census, settings: Settings) -> Iterator[Metric]:
    """Yield what is told of jobs, callers' keys and credits."""
    yield from _jobs(census, settings)
    yield from _times(census)
    yield from _credits(census, settings)
    if settings.client_keys:
        yield from _keys(census, settings)


def _jobs(census: Census, settings: Settings) -> Iterator[Metric]:
    now, tallies = census.now, census.tallies
    yield gauges("jobs", "Jobs on record.", ["kind", "status"], census.jobs)
    accepted = {(kind,): 0 for kind in KINDS} | dict(tallies.named("jobs_accepted"))
    yield counters("jobs_accepted", "Jobs that were accepted.", ["kind"], accepted)
    ended = dict.fromkeys(_ENDS, 0) | dict(tallies.named("jobs_ended"))
    labels = ["kind", "status", "error_code"]
    yield counters(
        "jobs_ended", "Jobs that have ended, also those no longer on record.", labels, ended
    )
    yield gauge(
        "queue_oldest_seconds", "Age of the oldest queued job.", now.oldest_queued_ms / 1000
    )
    yield gauge("queue_limit_jobs", "Jobs that may wait (QUEUE_MAX_JOBS).", settings.queue_max_jobs)
    yield gauge("jobs_under_way", "Jobs with a worker, or cooking.", now.under_way)


def _times(census: Census) -> Iterator[Metric]:
    kinds = [(kind,) for kind in KINDS]
    ends = [(kind, status) for kind in KINDS for status in sorted(TERMINAL)]
    variants = [(variant,) for variant in BY_VARIANT]
    what = "From a job's acceptance to its first call of the provider."
    yield histogram("job_wait_seconds", what, ["kind"], kinds, census.tallies, "wait")
    what = "From the call to its image, of jobs that have one; of creative from the start."
    yield histogram("job_provider_seconds", what, ["variant"], variants, census.tallies, "provider")
    what = "From a job's acceptance to its end."
    yield histogram("job_total_seconds", what, ["kind", "status"], ends, census.tallies, "job")


def _credits(census: Census, settings: Settings) -> Iterator[Metric]:
    none = {(variant,): 0.0 for variant in BY_VARIANT}
    for name, what in (
        ("credits", "Credits that jobs are known to have cost."),
        ("credits_unknown", "Credits that calls whose outcome nobody knows may have cost."),
    ):
        told = {labels: number / 1000 for labels, number in census.tallies.named(name)}
        full = "credits_spent" if name == "credits" else name
        yield counters(full, what, ["variant"], none | told)
    what = "Credits that the jobs accepted since midnight UTC have cost or are expected to."
    yield gauge("credits_today", what, census.now.credits_today / 1000)
    if settings.credits_per_day is not None:
        what = "Credits that a day's jobs may cost (CREDITS_PER_DAY)."
        yield gauge("credits_limit_today", what, float(settings.credits_per_day))
    if census.balance:
        what = "Credits of the provider account when it last told; it is asked when it refuses."
        yield gauge("provider_balance_credits", what, census.balance.credits / 1000)
        what = "When it was asked."
        yield gauge("provider_balance_timestamp_seconds", what, census.balance.told / 1000)


def _keys(census: Census, settings: Settings) -> Iterator[Metric]:
    """Yield the figures of the keys that are configured: of others there may be any number on record."""
    known = {key.name: census.owners.get(key.name) for key in settings.client_keys}
    jobs = {
        (name, status): getattr(owner, status, 0)
        for name, owner in known.items()
        for status in ("queued", "running")
    }
    yield gauges("key_jobs", "Jobs of a client key that have not ended.", ["key", "status"], jobs)
    spent = {name: owner.credits_today / 1000 if owner else 0 for name, owner in known.items()}
    what = "Credits that a client key's jobs of today have cost or are expected to."
    yield gauges("key_credits_today", what, ["key"], spent)
