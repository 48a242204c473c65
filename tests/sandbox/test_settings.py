import json
from typing import Any

import pytest

from sandbox.errors import ControlError
from sandbox.limits import Rate
from sandbox.settings import Latency, Settings


def test_a_single_latency_is_for_all_three_answers_but_not_for_cooking() -> None:
    assert Settings().changed({"latency": 0.5}).latency == Latency(0.5, 0.5, 0.5, 15)


def test_latencies_by_name_leave_the_others_alone() -> None:
    latency = Settings().changed({"latency": {"creative_cook": 0, "upscale": 3}}).latency

    assert latency == Latency(2, 3, 1, 0)


def test_reads_what_it_shows() -> None:
    settings = Settings().changed({"rate": "5/1s", "valid_keys": ["sk-a"], "fail_kinds": ["cut"]})

    assert Settings().changed(json.loads(json.dumps(settings.shown()))) == settings
    assert settings.rate == Rate(5, 1)


def test_credits_become_thousandths() -> None:
    assert Settings().changed({"credits": 6.5}).credits == 6500


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"latancy": 1}, "unknown setting 'latancy'; allowed: latency, jitter"),
        ({"latency": {"draw": 1}}, "latency: unknown draw; allowed: generate"),
        ({"latency": "long"}, "latency: must be a number"),
        ({"jitter": -1}, "jitter: must be a number not below 0"),
        ({"lockout": True}, "lockout: must be a number"),
        ({"rate": "fast"}, "rate: must look like 150/10s"),
        ({"down": 1}, "down: must be true or false"),
        ({"fail_rate": 2}, "fail_rate: must be between 0 and 1"),
        ({"fail_kinds": ["explode"]}, "fail_kinds: unknown explode; allowed: moderated"),
        ({"valid_keys": "sk-a"}, "valid_keys: must be a list of strings"),
    ],
)
def test_names_what_is_wrong_and_what_is_allowed(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ControlError) as raised:
        Settings().changed(changes)

    assert str(raised.value).startswith(problem)
