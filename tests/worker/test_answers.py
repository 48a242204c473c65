"""Every answer of the provider is counted by its code, and told in the log with its request id."""

import logging
from collections.abc import Callable
from contextlib import suppress

import pytest
from redis import Redis

from shared.census import Registrar
from shared.errors import JobFault
from shared.moves import Pace
from shared.operations import BY_NAME
from shared.tally import Tally
from tests.pictures import picture
from tests.worker.provider_server import OK, Answer, agree, head, never, provider, raw, says
from worker.answers import Heard, noting
from worker.leases import LeaseLost
from worker.stability import Stability
from worker.wire import balance_request, build_request, result_request

PICTURE = picture()
CORE = build_request(BY_NAME["generate/core"], "core", {"prompt": "a fox"}, None, "sk-1")
CUT = raw(head(200, {**OK, "Content-Length": "99999"}) + PICTURE[:50])


def heard(
    answer: Answer | None, ask: Callable[[Stability], object], seconds: float = 10
) -> list[Heard]:
    """Return what is noted of a call to a provider with this answer; without one, to nobody."""
    notes: list[Heard] = []
    if answer is None:
        calls(Stability("http://127.0.0.1:1", seconds, notes.append), ask)
    else:
        with provider(answer) as server:
            calls(Stability(server.url, seconds, notes.append), ask)
    return notes


def calls(client: Stability, ask: Callable[[Stability], object]) -> None:
    """Make a call, whatever comes of it."""
    with suppress(JobFault, LeaseLost):
        ask(client)


def paid(client: Stability) -> object:
    """Make a paid call."""
    return client.call(CORE, agree)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(200, PICTURE), "200"),
        (says(402, b"{}"), "402"),
        (says(500, b"{}"), "500"),
        (says(504, b"<html>"), "504"),
        (CUT, "cut"),
        (None, "connect_error"),
    ],
)
def test_a_paid_call_is_noted_once_by_what_it_met(answer: Answer | None, code: str) -> None:
    notes = heard(answer, paid)

    assert [(each.operation, each.code) for each in notes] == [("generate/core", code)]


def test_a_call_that_takes_too_long_is_a_time_out() -> None:
    [note] = heard(never, paid, 0.2)

    assert note.code == "timeout"
    assert note.ms >= 200


def test_polls_and_probes_are_told_apart_from_paid_calls() -> None:
    [poll] = heard(
        says(202, b"{}"), lambda client: client.result(result_request("a", "sk-1"), agree)
    )
    [probe] = heard(says(200, b"{}"), lambda client: client.balance(balance_request("sk-1")))

    assert (poll.operation, poll.code) == ("result", "202")
    assert (probe.operation, probe.code) == ("balance", "200")


def test_a_call_that_was_not_sent_has_met_nothing() -> None:
    def refuse() -> None:
        raise LeaseLost

    assert heard(says(200, PICTURE), lambda client: client.call(CORE, refuse)) == []


def test_a_note_is_counted_and_is_one_line(
    redis_client: "Redis", caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally(redis_client)
    note = noting(tally)
    with caplog.at_level(logging.INFO):
        note(Heard("generate/core", "200", 7, "theirs"))
        note(Heard("generate/core", "cut", 7))
    tally.hand_in()

    numbers = Registrar(redis_client, Pace(1)).take().tallies.numbers
    answers = {labels[1:]: n for labels, n in numbers.items() if labels[0] == "provider_answers"}
    assert answers == {("generate/core", "200"): 1, ("generate/core", "cut"): 1}
    [answered, silent] = caplog.records
    assert vars(answered)["provider_request_id"] == "theirs"
    assert silent.levelname == "WARNING"
