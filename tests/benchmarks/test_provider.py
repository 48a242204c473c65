"""Contract of the benchmarks' provider."""

import time

import pytest
import requests

from benchmarks.provider import Gate, as_prompted, provider
from shared.setting_types import Rate


def test_the_gate_takes_what_fits_into_any_window_and_counts_the_rest() -> None:
    gate = Gate(Rate(2, 10))

    pauses = [gate.arrive(moment) for moment in (0, 5, 9.9, 10, 14.9, 15)]

    assert pauses == [0, 0, pytest.approx(0.1), 0, pytest.approx(0.1), 0]
    assert (gate.accepted, gate.refused) == ([0, 5, 10, 15], 2)


def test_a_call_too_many_locks_everybody_out() -> None:
    gate = Gate(Rate(1, 10), lockout=60)

    pauses = [gate.arrive(moment) for moment in (0, 5, 15, 64.9, 65)]

    assert pauses == [0, 60, 50, pytest.approx(0.1), 0]
    assert (gate.accepted, gate.refused, gate.lockouts) == ([0, 65], 3, [5])


def test_a_provider_takes_as_long_as_a_prompt_names_and_counts_the_call() -> None:
    with provider(as_prompted()) as stands:
        begun = time.monotonic()
        form = {"prompt": (None, "a fox, latency=150")}
        answer = requests.post(f"http://127.0.0.1:{stands.port}/", files=form, timeout=30)
        took = time.monotonic() - begun
        counted = stands.counted()

    assert (answer.status_code, answer.content[:4]) == (200, b"RIFF")
    assert took >= 0.15
    assert (len(counted.accepted), counted.most, counted.cut) == (1, 1, 0)
