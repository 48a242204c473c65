"""The metrics of what is neither a job nor a call: requests, processes, keys, the account, the build."""

import shutil
import subprocess
import time
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from tests.api.callers import Api
from tests.api.conftest import Start
from tests.api.scraping import metrics, scraped
from tests.builders import CLAIM, in_state, running

REQUESTS = "image_api_http_requests_total"
KEYS = {"client_keys": "alice:alice-has-this-key,bob:bob-has-that-key"}


def test_requests_are_counted_by_route_and_not_by_what_they_ask_for(api: Api) -> None:
    for path in ("/jobs/a", "/jobs/b", "/wp-login.php"):
        api.get(path)
    api.call("BREW", "/pot")
    api.services.tally.hand_in()

    told = metrics(api)

    assert told[REQUESTS, "GET", "/jobs/<job_id>", "404"] == 2
    assert told[REQUESTS, "GET", "-", "404"] == 1
    assert told[REQUESTS, "-", "-", "404"] == 1


def test_processes_are_told_while_they_report(api: Api, redis_client: "Redis") -> None:
    api.services.tally.hand_in()
    reporting = metrics(api)
    api.services.tally.hand_in(last=True)

    assert reporting["image_api_web_processes",] == 1
    assert reporting["image_api_callers_waiting",] == 0
    assert metrics(api)["image_api_web_processes",] == 0
    assert redis_client.exists("images:web", "images:web:held") == 0


def test_keys_that_are_configured_have_figures_and_no_others(start: Start) -> None:
    api = start(**KEYS, operator_auth="operator:not-a-real-secret")
    for owner in ("alice", "alice", "carol", ""):
        running(api.store, owner=owner, estimate=3_000)

    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(
            scraped(api, Authorization="Basic b3BlcmF0b3I6bm90LWEtcmVhbC1zZWNyZXQ=")
        )
        for sample in family.samples
        if "key" in sample.labels
    }

    assert {labels[1] for labels in told} == {"alice", "bob"}
    assert told["image_api_key_jobs", "alice", "running"] == 2
    assert told["image_api_key_credits_today", "alice"] == 6
    assert told["image_api_key_jobs", "bob", "queued"] == 0


def test_the_account_s_balance_is_told_once_the_provider_has_told_it(api: Api) -> None:
    assert ("image_api_provider_balance_credits",) not in metrics(api)
    api.services.breaker.note_failure("a", "provider_credits")
    assert metrics(api)["image_api_breaker_state", "open"] == 1

    api.services.breaker.tell_probe("provider_credits", 1_500)

    told = metrics(api)
    assert told["image_api_provider_balance_credits",] == 1.5
    assert abs(told["image_api_provider_balance_timestamp_seconds",] - time.time()) < 60


def test_the_day_s_limit_is_told_when_there_is_one(api: Api, start: Start) -> None:
    assert ("image_api_credits_limit_today",) not in metrics(api)

    assert metrics(start(credits_per_day="250"))["image_api_credits_limit_today",] == 250


def test_redis_tells_how_it_does(api: Api) -> None:
    told = metrics(api)

    assert told["image_api_redis_used_bytes",] > 100_000
    assert told["image_api_redis_writes_ok",] == 1


@pytest.mark.parametrize(
    ("info", "writes_ok"),
    [
        ({"aof_enabled": 1, "aof_last_write_status": "err"}, 0),
        ({"aof_enabled": 1, "aof_last_write_status": "ok", "rdb_last_bgsave_status": "err"}, 1),
        ({"aof_enabled": 0, "rdb_last_bgsave_status": "err"}, 0),
        ({}, 1),
    ],
)
def test_a_redis_that_can_not_write_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, info: dict[str, Any], writes_ok: int
) -> None:
    monkeypatch.setattr(Redis, "info", lambda _: info)

    assert metrics(api)["image_api_redis_writes_ok",] == writes_ok


def test_the_build_says_who_makes_the_pictures(api: Api) -> None:
    build = [labels for labels in metrics(api) if labels[0] == "image_api_build_info"]

    assert [labels[1] for labels in build] == ["sandbox"]


@pytest.fixture
def text(api: Api) -> str:
    """Give a scrape of a service that has done a little of everything."""
    for state in ("queued", "succeeded", "failed", "canceled", "parked"):
        in_state(api.store, state)
    api.store.fail(running(api.store).id, CLAIM, error_code="provider_error")
    api.services.tally.add("provider_answers", "generate/core", "200")
    api.services.tally.hand_in()
    return scraped(api)


def test_the_names_keep_to_the_rules_of_prometheus(text: str) -> None:
    families = list(text_string_to_metric_families(text))

    names = [family.name for family in families]
    assert len(names) == len(set(names)) > 30
    for family in families:
        assert family.name.startswith("image_api_")
        assert family.documentation, family.name
        # base units, at the end
        assert not any(word in family.name for word in ("_ms", "milli", "_mb", "_kb")), family.name
        kept_for = ("_total", "_count", "_sum", "_bucket")
        assert not family.name.endswith(kept_for), family.name
    for sample in (each for family in families for each in family.samples):
        assert not sample.labels.keys() & {"job", "instance", "job_id", "request_id"}


def test_promtool_finds_nothing_to_say(text: str) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian: prometheus); the rules above always run")

    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (checked.returncode, checked.stderr) == (0, "")
