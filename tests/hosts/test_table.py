"""The table tells who was kept waiting for nothing, and what did not come back."""

from tests.chaos.callers import Met
from tests.hosts.plan import Cut
from tests.hosts.table import Outage, outages

API, OTHER = "http://one", "http://other"
AGAIN = {"api 1 accepts": 0.3, "api 2 accepts": 0.1, "worker 1 makes images": None}
OUTAGE = Outage(Cut("api 1", ("back",), 20, ("api",)), 100, 120, AGAIN, [API])


def met(status: int, asked: float = 105, base: str = API, patience: float = 8) -> Met:
    return Met(base, asked, 2.5, status, patience)


def test_a_cut_has_a_line_with_its_answers_and_times() -> None:
    _, line = outages([OUTAGE], [met(202), met(503), met(503), met(429)])

    assert line.split() == [
        *("api", "1", "everything", "20s", "|", "4", "1", "2", "1", "0", "2.5s", "|"),
        *("0.3s", "-", "-", "NEVER", "-"),
    ]


def test_no_answer_is_held_against_an_api_that_could_be_reached() -> None:
    assert OUTAGE.hung([met(0)]) == [met(0)]


def test_it_is_not_when_its_caller_was_hurried_or_it_was_cut_off_or_all_was_well() -> None:
    innocent = [met(0, patience=0.1), met(0, base=OTHER), met(0, asked=99), met(0, asked=121)]

    assert OUTAGE.hung(innocent) == []


def test_what_never_works_again_is_named() -> None:
    assert OUTAGE.deaf == ["worker 1 makes images"]
