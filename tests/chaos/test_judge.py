"""A judge that cannot condemn is worthless: each fault, made up, must be found."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.judge import (
    CUT_FROM_PROVIDER,
    CUT_FROM_REDIS,
    Charge,
    Facts,
    Misdeed,
    Order,
    Picture,
    StoredJob,
    Verdict,
    judge,
)

ORDER = Order("k1", ("a cat",), (("j1", ("j1",)),))
JOB = StoredJob("j1", "a cat", "succeeded", image="j1.jpg")
PICTURE = Picture("sha-of-a-cat")
CALL = Charge("a cat", arrived=100.0, charged=101.5, sha256="sha-of-a-cat")
AGAIN = Charge("a cat", arrived=130.0, charged=131.5, sha256="sha-of-another-cat")
REPEATED = replace(JOB, unknown=1)
INNOCENT = Facts(
    orders=[ORDER],
    jobs=[JOB],
    pictures={"j1.jpg": PICTURE},
    charges=[CALL],
    misdeeds=[],
    repeats_counted=0,
)


def verdict(**changed: Any) -> Verdict:
    return judge(replace(INNOCENT, **changed))


def repeated(*misdeeds: Misdeed, again: float = 130.0, **changed: Any) -> Verdict:
    """Judge a job that was paid twice and counts it, after these misdeeds."""
    calls = [CALL, replace(AGAIN, arrived=again)]
    counted = {"jobs": [REPEATED], "repeats_counted": 1, "charges": calls}
    return verdict(**{**counted, "misdeeds": misdeeds, **changed})


def killed(what: str, at: float, *, hit: bool = True) -> Misdeed:
    return Misdeed("kill", what, hit, at, at)


def frozen(what: str, begun: float, ended: float) -> Misdeed:
    return Misdeed("freeze", what, True, begun, ended)


def test_acquits_when_all_is_well() -> None:
    found = verdict()

    assert found.acquitted
    assert (found.accepted, found.ends) == (1, {("succeeded", ""): 1})


def test_counts_what_the_store_knows_and_no_caller_was_told() -> None:
    found = verdict(jobs=[JOB, StoredJob("j2", "a dog", "failed", "provider_error")])

    assert (found.accepted, found.acquitted) == (2, True)


def test_condemns_when_nothing_was_accepted_at_all() -> None:
    assert not verdict(orders=[], jobs=[], charges=[]).acquitted


@pytest.mark.parametrize(
    ("why", "changed"),
    [
        ("the store knows nothing of it", {"jobs": []}),
        ("is still running", {"jobs": [replace(JOB, status="running")]}),
        ("succeeded without a picture", {"pictures": {}}),
        ("a broken picture", {"pictures": {"j1.jpg": replace(PICTURE, fault="cut short")}}),
        ("not made for it", {"charges": [replace(CALL, sha256="sha-of-a-dog")]}),
        ("not made for it", {"charges": []}),
    ],
)
def test_finds_what_is_lost(why: str, changed: dict[str, Any]) -> None:
    found = verdict(**changed)

    assert why in found.lost[0]
    assert not found.acquitted


def test_finds_a_picture_that_two_jobs_share() -> None:
    other = StoredJob("j2", "a dog", "succeeded", image="j2.jpg")

    found = verdict(jobs=[JOB, other], pictures={"j1.jpg": PICTURE, "j2.jpg": PICTURE})

    assert [lost[:2] for lost in found.lost] == ["j1", "j2"]
    assert not found.acquitted


def test_takes_a_picture_that_was_converted_for_its_jobs_own() -> None:
    png = replace(CALL, fault="wrong_format", sha256="sha-of-the-png")

    assert verdict(charges=[png]).acquitted


def test_finds_a_broken_picture_whoever_it_belongs_to() -> None:
    found = verdict(pictures={"j1.jpg": PICTURE, "x.jpg": Picture("x", "cut short")})

    assert (found.broken, found.acquitted) == (["x.jpg: cut short"], False)


def test_finds_a_second_payment_that_nothing_explains() -> None:
    found = repeated()

    assert (found.unexplained, found.uncounted) == (["a cat"], [])
    assert not found.acquitted


@pytest.mark.parametrize(
    "deed",
    [
        killed("worker", 100.7),
        killed("second worker", 103.0),
        frozen("worker", 101.0, 140.0),
        killed("sandbox", 101.0),
        frozen("sandbox", 80.0, 98.0),
    ],
)
def test_forgives_a_call_that_was_cut_in_two(deed: Misdeed) -> None:
    found = repeated(deed)

    assert [paid.why for paid in found.paid_twice] == [f"{deed.word}: {deed.what}"]
    assert found.acquitted


@pytest.mark.parametrize(
    ("deed", "again"),
    [
        (killed("redis", 100.7), 130.0),
        (killed("api", 100.7), 130.0),
        (frozen("web", 90.0, 140.0), 130.0),
        (killed("worker", 97.0), 130.0),  # before the call
        (killed("worker", 107.0), 130.0),  # when its picture was long written
        (killed("worker", 100.7), 103.0),  # its lease was not over
        (killed("worker", 100.7, hit=False), 130.0),
        (frozen("sandbox", 100.0, 103.0), 130.0),  # shorter than anybody's patience
        (Misdeed("fault", "cut", True, 100.0, 100.0), 130.0),  # not met by this call
    ],
)
def test_does_not_forgive_by_what_could_not_have_cut_it(deed: Misdeed, again: float) -> None:
    assert repeated(deed, again=again).unexplained == ["a cat"]


def cut_off(what: str, begun: float, ended: float) -> Misdeed:
    return Misdeed("cut", what, True, begun, ended)


@pytest.mark.parametrize(
    "deed",
    [cut_off(CUT_FROM_REDIS, 100.7, 140.0), cut_off(CUT_FROM_PROVIDER, 101.0, 120.0)],
)
def test_forgives_a_call_whose_worker_was_cut_off(deed: Misdeed) -> None:
    assert [paid.why for paid in repeated(deed).paid_twice] == [f"cut: {deed.what}"]


@pytest.mark.parametrize(
    "deed",
    [
        cut_off(CUT_FROM_REDIS, 100.7, 115.0),  # its lease was not over
        cut_off(CUT_FROM_PROVIDER, 101.0, 105.0),  # the answer came after that
        *(cut_off(what, 100.7, 140.0) for what in ("api", "redis", "bucket")),
    ],
)
def test_does_not_forgive_by_a_cut_that_ends_no_call(deed: Misdeed) -> None:
    assert repeated(deed).unexplained == ["a cat"]


@pytest.mark.parametrize("fault", ["cut", "reset", "hang", "slow", "status"])
def test_forgives_a_break_that_the_call_itself_met(fault: str) -> None:
    found = repeated(charges=[replace(CALL, fault=fault), AGAIN])

    assert [paid.why for paid in found.paid_twice] == [f"fault: {fault}"]
    assert found.acquitted


@pytest.mark.parametrize("fault", ["filtered", "not_image", "empty", "truncated_image", "drip"])
def test_does_not_forgive_a_call_whose_outcome_was_known(fault: str) -> None:
    assert repeated(charges=[replace(CALL, fault=fault), AGAIN]).unexplained == ["a cat"]


def test_forgives_a_call_that_took_longer_than_the_time_out() -> None:
    slow = replace(CALL, charged=CALL.arrived + 14.0)

    assert repeated(charges=[slow, AGAIN]).acquitted


def test_each_call_but_the_last_needs_a_reason_of_its_own() -> None:
    third = replace(AGAIN, arrived=160.0, charged=161.5)
    twice = [replace(CALL, fault="cut"), AGAIN, third]

    found = repeated(charges=twice, jobs=[replace(JOB, unknown=2)], repeats_counted=2)

    assert [paid.why for paid in found.paid_twice] == ["fault: cut", ""]
    assert not found.acquitted


def test_finds_a_second_payment_that_its_job_does_not_count() -> None:
    found = repeated(killed("worker", 100.7), jobs=[JOB])

    assert (found.unexplained, len(found.uncounted)) == ([], 1)
    assert not found.acquitted


def test_finds_second_payments_that_the_service_does_not_count() -> None:
    found = repeated(killed("worker", 100.7), repeats_counted=0)

    assert found.uncounted == ["1 second payments, 0 repeats counted"]
    assert not found.acquitted


def test_finds_a_key_that_was_answered_with_two_jobs() -> None:
    both = replace(ORDER, told=(*ORDER.told, ("j2", ("j2",))))

    found = verdict(orders=[both], jobs=[JOB, StoredJob("j2", "", "failed")])

    assert (len(found.double_jobs), found.acquitted) == (1, False)


def test_finds_two_jobs_of_one_order_though_callers_heard_of_one() -> None:
    found = verdict(jobs=[JOB, StoredJob("j2", "a cat", "failed", "provider_error")])

    assert (len(found.double_jobs), found.acquitted) == (1, False)


def test_condemns_orders_that_were_refused_or_never_answered() -> None:
    assert not verdict(refused=["k9: 400"]).acquitted
    assert not verdict(orders=[ORDER, Order("k2", ("a dog",))]).acquitted


def test_tells_429s_of_a_frozen_provider_from_those_that_nothing_explains() -> None:
    found = verdict(misdeeds=[frozen("sandbox", 50, 90)], over_limit=[(95.0, 2), (150.0, 3)])

    assert found.over_limit == {
        "calls that piled up in a frozen sandbox": 2,
        "no such reason": 3,
    }
