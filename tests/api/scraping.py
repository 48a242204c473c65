"""What a scrape of `/metrics` brings."""

from prometheus_client.parser import text_string_to_metric_families

from tests.api.callers import Api

Samples = dict[tuple[str, ...], float]


def scraped(api: Api, **headers: str) -> str:
    """Return the text that Prometheus reads."""
    answer = api.get("/metrics", **headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.get_data(as_text=True)


def metrics(api: Api) -> Samples:
    """Return every sample that is told, by its name and the values of its labels (by their names)."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(scraped(api))
        for sample in family.samples
    }
