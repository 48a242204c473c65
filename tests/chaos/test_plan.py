"""A plan is the same for the same seed, and leaves nothing out."""

from itertools import pairwise

import pytest

from tests.chaos.house import PROVIDER_TIMEOUT
from tests.chaos.plan import PARTS, Deed, plan

LEASE_SECONDS = 30


def planned(seconds: float = 55, seed: int = 1) -> list[Deed]:
    return plan(seed, seconds, PROVIDER_TIMEOUT)


def test_a_seed_decides_everything() -> None:
    assert planned() == planned()
    assert planned() != planned(seed=2)


@pytest.mark.parametrize("seed", range(5))
def test_a_minute_has_a_kill_of_each_part_a_long_freeze_and_faults(seed: int) -> None:
    deeds = planned(55, seed)

    assert {deed.what for deed in deeds if deed.word == "kill"} == set(PARTS)
    assert any(deed.word == "freeze" and deed.seconds > LEASE_SECONDS for deed in deeds)
    assert sum(deed.word == "fault" for deed in deeds) >= 5


def test_what_is_frozen_for_long_at_first_is_killed_only_when_it_has_woken_up() -> None:
    deeds = planned()
    freeze = next(deed for deed in deeds if deed.word == "freeze")
    kill = next(deed for deed in deeds if (deed.word, deed.what) == ("kill", freeze.what))

    assert kill.at > freeze.at + freeze.seconds


@pytest.mark.parametrize("seconds", [10, 55, 200, 600])
def test_all_is_over_before_the_end(seconds: float) -> None:
    deeds = planned(seconds)

    assert deeds
    assert all(deed.at > 0 and deed.at + deed.seconds < seconds for deed in deeds)
    assert deeds == sorted(deeds, key=lambda deed: deed.at)


def test_ten_minutes_freeze_and_kill_every_part_and_leave_no_fault_out() -> None:
    deeds = planned(600)
    long = {deed.what for deed in deeds if deed.word == "freeze" and deed.seconds > LEASE_SECONDS}
    faults = [deed.what for deed in deeds if deed.word in {"fault", "setting"}]

    assert {deed.what for deed in deeds if deed.word == "freeze"} == set(PARTS)
    assert long == set(PARTS)
    assert len(set(faults)) == 33
    assert min(faults.count(what) for what in set(faults)) >= 2


def test_what_is_frozen_for_long_is_left_alone_and_one_part_at_a_time_is() -> None:
    disasters = [deed for deed in planned(600) if deed.word in {"kill", "freeze"}]
    long = [deed for deed in disasters if deed.seconds > LEASE_SECONDS]

    for first, second in pairwise(long):
        assert second.at > first.at + first.seconds
    for freeze in long:
        during = {deed.what for deed in disasters if 0 < deed.at - freeze.at < freeze.seconds}
        assert during
        assert freeze.what not in during
