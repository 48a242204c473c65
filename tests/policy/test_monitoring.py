"""What operators watch by is true: dashboard, alerts and page name what exists, and all of it."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from prometheus_client.core import Metric

from api.metrics.route import Found
from shared.services import Services
from shared.settings import load_settings

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "operations.md").read_text()
FILES = ROOT / "docs" / "operations"
ALERTS = FILES / "alerts.yml"
ALERT_TESTS = Path(__file__).parent / "alerts_test.yml"
DASHBOARD: dict[str, Any] = json.loads((FILES / "grafana-dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]] + [
    rule["expr"] for rule in RULES
]
# What Prometheus adds itself.
ADDED = {"job", "instance", "le"}


@pytest.fixture
def families(services: Services) -> list[Metric]:
    """Give every metric, also those that are told only by some settings or once they are known."""
    services.breaker.tell_probe("ok", 1_000)
    for name, labels in {
        "provider_answers": ("generate/core", "200"),
        "http_requests": ("GET", "/jobs", "200"),
    }.items():
        services.tally.add(name, *labels)
    services.tally.hand_in()
    settings = load_settings(
        None,
        redis_url=services.settings.required_redis_url,
        storage_url=services.settings.storage_url,
        client_keys="alice:alice-has-this-key",
        credits_per_day="100",
    )
    return list(Found(replace(services, settings=settings)).collect())


def told(families: list[Metric]) -> dict[str, set[str]]:
    """Return the name of every sample with the names of its labels."""
    samples = [sample for family in families for sample in family.samples]
    return {sample.name: set(sample.labels) for sample in samples}


def documented(families: list[Metric]) -> Iterator[tuple[str, set[str]]]:
    """Yield how the page is to call each metric, and its labels."""
    for family in families:
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, {label for sample in family.samples for label in sample.labels} - {"le"}


def test_every_metric_stands_in_the_table_with_its_labels(families: list[Metric]) -> None:
    names = dict(documented(families))
    table = {
        name: set(re.findall(r"\w+", labels))
        for name, labels in re.findall(r"`(image_api_\w+)(?:\{([\w, ]+)\})?`", PAGE)
    }

    assert table == names


def test_what_is_asked_of_prometheus_exists(families: list[Metric]) -> None:
    samples = told(families)
    for expression in EXPRESSIONS:
        asked = re.findall(r"(image_api_\w+)(?:\{([^}]*)\})?", expression)
        assert asked or "up{" in expression, expression
        for name, matchers in asked:
            assert name in samples, expression
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
            assert labels <= samples[name] | ADDED, expression


def test_the_dashboard_can_be_imported_and_read() -> None:
    assert DASHBOARD["schemaVersion"] >= 39
    assert DASHBOARD["id"] is None
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "job"}
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids)) > 40
    for panel in PANELS:
        assert panel["title"], panel["id"]
        assert panel["description"], panel["title"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert all(t["datasource"]["uid"] == "${datasource}" for t in panel["targets"])


def test_no_panel_lies_on_another() -> None:
    places = [panel["gridPos"] for panel in DASHBOARD["panels"]]

    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not [(a, b) for a, b in combinations(places, 2) if overlap(a, b)]


def overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    """Tell whether two panels share a place."""
    across = a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"]
    return across and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do_and_stands_on_the_page(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    waits = f", for {rule['for']}" if "for" in rule else ""
    summary = rule["annotations"]["summary"]
    row = f"| {rule['labels']['severity']} | {summary[0].lower()}{summary[1:]}{waits} |"
    assert f"| `{rule['alert']}` {row}" in PAGE


def test_every_alert_has_a_case_that_fires_and_one_that_keeps_still() -> None:
    cases = [each["name"] for each in yaml.safe_load(ALERT_TESTS.read_text())["tests"]]

    whats = ("fires", "keeps still")
    assert sorted(cases) == sorted(f"{rule['alert']} {what}" for rule in RULES for what in whats)


@pytest.mark.parametrize(
    "check",
    [
        ("check", "rules", ALERTS),
        ("test", "rules", ALERT_TESTS),
        ("check", "config", "--syntax-only", FILES / "prometheus.yml"),
    ],
    ids=["rules", "their tests", "the scrape"],
)
def test_promtool_agrees(check: tuple[object, ...]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")

    done = subprocess.run(
        [promtool, *map(str, check)], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_lists_every_event_of_the_logs() -> None:
    paths = [path for room in ("api", "shared", "worker") for path in (ROOT / room).rglob("*.py")]
    messages = {message for path in paths for message in logged(path)}
    section = PAGE.split("\n## Logs\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (?:info|debug|warning|error)", section, re.MULTILINE)
    listed = {message for row in rows for message in re.findall(r"`([^`]+)`", row)}

    assert listed == messages


def logged(path: Path) -> Iterator[str]:
    """Yield what a module may log, each a constant text."""
    for node in ast.walk(ast.parse(path.read_text())):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if not called or not isinstance(node.func.value, ast.Name):  # type: ignore[attr-defined]
            continue
        if node.func.value.id == "_log":  # type: ignore[attr-defined]
            message = node.args[1 if node.func.attr == "log" else 0]  # type: ignore[attr-defined]
            assert isinstance(message, ast.Constant), f"{path}:{message.lineno}"
            yield str(message.value)
