"""A plan is the same for the same seed, and leaves no way to be cut off out."""

import pytest

from tests.hosts.house import APIS, WORKERS
from tests.hosts.plan import plan

LEASE_SECONDS = 30


def test_a_seed_decides_everything() -> None:
    assert plan(1, 400) == plan(1, 400)
    assert plan(1, 400) != plan(2, 400)


@pytest.mark.parametrize("seed", range(5))
def test_a_round_cuts_every_host_off_and_a_worker_for_longer_than_its_lease(seed: int) -> None:
    cuts = plan(seed, 400)

    hosts = {*APIS, *WORKERS, "redis", "bucket", "sandbox"}
    assert {cut.host for cut in cuts} == hosts
    workers = [cut for cut in cuts if cut.host in WORKERS]
    assert {cut.networks for cut in workers} == {("back",), ("out",), ("back", "out")}
    assert sum(cut.seconds > LEASE_SECONDS for cut in workers) >= 2


def test_there_is_one_cut_in_however_little_time_and_none_of_another_host_than_asked() -> None:
    assert len(plan(1, 0)) == 1
    assert {cut.host for cut in plan(1, 200, "redis")} == {"redis"}
