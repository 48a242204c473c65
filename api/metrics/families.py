"""Metrics as Prometheus names them: base units, `_total` on counters, one prefix."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from shared.tally import Tallies

PREFIX = "image_api_"
Labels = tuple[str, ...]


def gauge(name: str, what: str, value: float) -> Metric:
    """Return one number that goes up and down."""
    return GaugeMetricFamily(PREFIX + name, what, value)


def gauges(name: str, what: str, labels: Iterable[str], values: Mapping[Any, float]) -> Metric:
    """Return numbers that go up and down, by the value of one label or the values of several."""
    family = GaugeMetricFamily(PREFIX + name, what, labels=list(labels))
    for of, value in values.items():
        family.add_metric([of] if isinstance(of, str) else list(of), value)
    return family


def counter(name: str, what: str, value: float) -> Metric:
    """Return a total."""
    return CounterMetricFamily(PREFIX + name, what, value)


def counters(name: str, what: str, labels: Iterable[str], values: Mapping[Labels, float]) -> Metric:
    """Return totals, by the values of some labels."""
    family = CounterMetricFamily(PREFIX + name, what, labels=list(labels))
    for of, value in sorted(values.items()):
        family.add_metric(list(of), value)
    return family


def histogram(
    name: str, what: str, labels: Iterable[str], of: Iterable[Labels], tallies: Tallies, kept: str
) -> Metric:
    """Return how times are spread, in seconds, for each of some labels' values.

    `kept` is the store's name for it.
    """
    family = HistogramMetricFamily(PREFIX + name, what, labels=list(labels))
    ends = [f"{bound / 1000}" for bound in tallies.bounds_ms] + ["+Inf"]
    for values in of:
        spread, below, buckets = tallies.spread(kept, *values), 0, []
        for end, number in zip(ends, spread.buckets, strict=True):
            below += number
            buckets.append((end, float(below)))
        family.add_metric(list(values), buckets, spread.sum_ms / 1000)
    return family
