"""A lease lives as long as its process renews it."""

import time

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.job_store import JobStore
from shared.moves import Pace
from shared.scripts import PREFIX
from shared.services import connect
from tests.builders import CLAIM, now_ms, running
from worker.leases import LEASE_MS, RENEW_SECONDS, Lease, Leases, lease_clock


def lease_of(redis: "Redis", job_id: str) -> float:
    """Return when a job's lease runs out."""
    score = redis.zscore(f"{PREFIX}running", job_id)
    assert score is not None
    return float(score)


def test_a_lease_outlives_several_renewals_that_fail() -> None:
    assert RENEW_SECONDS * 3 * 1000 <= LEASE_MS


def test_a_new_lease_is_alive_and_an_old_one_is_not(store: JobStore) -> None:
    with Leases(store).keep("a", Lease(CLAIM, lease_clock())) as lease:
        assert lease.alive()

        lease.renewed -= LEASE_MS / 1000

        assert not lease.alive()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="another clock does it here")
def test_a_lease_ages_while_the_machine_is_suspended(monkeypatch: pytest.MonkeyPatch) -> None:
    real, lease = time.clock_gettime, Lease(CLAIM, lease_clock())
    slept = {time.CLOCK_BOOTTIME: LEASE_MS / 1000}
    monkeypatch.setattr(
        "worker.leases.time.clock_gettime", lambda clock: real(clock) + slept.get(clock, 0)
    )

    assert not lease.alive()


def test_a_renewal_prolongs_the_lease_here_and_in_the_store(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, job = Leases(store), running(store)
    with leases.keep(job.id, Lease(CLAIM, lease_clock())) as lease:
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})
        lease.renewed -= 60

        leases.renew()

        assert lease.alive()
        assert lease_of(redis_client, job.id) > job.created


def test_a_lease_that_is_anothers_by_now_is_not_prolonged(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, ours, lost = Leases(store), running(store), running(store)
    with (
        leases.keep(ours.id, Lease(CLAIM, lease_clock())) as good,
        leases.keep(lost.id, Lease("old", lease_clock())) as bad,
    ):
        redis_client.zadd(f"{PREFIX}running", {lost.id: 1})
        good.renewed -= 60
        bad.renewed -= 60

        leases.renew()

        assert (good.alive(), bad.alive()) == (True, False)
        assert lease_of(redis_client, lost.id) == 1


def test_a_job_that_has_ended_is_renewed_no_more(store: JobStore, redis_client: "Redis") -> None:
    leases, job = Leases(store), running(store)
    with pytest.raises(KeyError), leases.keep(job.id, Lease(CLAIM, lease_clock())):
        raise KeyError
    redis_client.zadd(f"{PREFIX}running", {job.id: 1})

    leases.renew()

    assert lease_of(redis_client, job.id) == 1


def test_the_end_of_an_earlier_run_does_not_end_a_later_lease_of_the_same_job(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, job = Leases(store), running(store)
    earlier, later = (
        leases.keep(job.id, Lease("old", lease_clock())),
        leases.keep(job.id, Lease(CLAIM, lease_clock())),
    )
    earlier.__enter__()
    with later:
        earlier.__exit__(None, None, None)
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})

        leases.renew()

        assert lease_of(redis_client, job.id) > 1


def test_a_lease_that_is_given_up_ends_here_and_in_the_store_for_good(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, job = Leases(store), running(store)
    with leases.keep(job.id, Lease(CLAIM, lease_clock())) as lease:
        leases.give_up()
        leases.renew()

        assert not lease.alive()
        assert lease_of(redis_client, job.id) <= now_ms(redis_client)


def test_without_jobs_the_store_is_not_asked() -> None:
    Leases(JobStore(connect("redis://127.0.0.1:1/0"), Pace(1))).renew()


def test_a_store_that_is_away_prolongs_nothing() -> None:
    leases = Leases(JobStore(connect("redis://127.0.0.1:1/0"), Pace(1)))
    with leases.keep("a", Lease(CLAIM, lease_clock())) as lease:
        before = lease.renewed

        with pytest.raises(StoreUnavailable):
            leases.renew()

        assert lease.renewed == before


def test_leases_that_are_given_up_end_at_once_and_are_renewed_no_more(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, job = Leases(store), running(store)
    with leases.keep(job.id, Lease(CLAIM, time.monotonic())):
        leases.give_up()
        leases.renew()

        assert store.sweep("another", 30_000).orphans == [job.id]


def test_of_what_was_not_sent_the_lease_can_be_left_to_run_out(
    store: JobStore, redis_client: "Redis"
) -> None:
    leases, sent, waiting = Leases(store), running(store), running(store)
    with (
        leases.keep(sent.id, Lease(CLAIM, lease_clock(), sent=True)),
        leases.keep(waiting.id, Lease(CLAIM, lease_clock())),
    ):
        redis_client.zadd(f"{PREFIX}running", {sent.id: 1, waiting.id: 1})

        leases.renew(only_sent=True)

        assert store.sweep("another", 30_000).orphans == [waiting.id]
