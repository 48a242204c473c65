"""What every worker does besides images goes on, whatever of it fails."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis

from shared.errors import ProviderUnavailable, StoreUnavailable
from shared.job_store import JobStore
from shared.moves import Pace, Trouble
from shared.schema import SCHEMA_VERSION
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import CLAIM, LEASE_MS, accepted, known, now_ms, running, until
from tests.fakes import RememberingQueue
from tests.worker.bench import Clock, Reached, an_upkeep, started
from worker.leases import Lease, Leases, lease_clock
from worker.reach import Reach
from worker.upkeep import Upkeep


def sent_by(services: Services) -> list[str]:
    """Return the ids that were sent to the workers."""
    assert isinstance(services.queue, RememberingQueue)
    return services.queue.sent


@pytest.fixture
def upkeep(services: Services) -> Iterator[Upkeep]:
    """Give an upkeep that runs."""
    with started(an_upkeep(services)) as upkeep:
        until(lambda: len(services.index.worker_slots()) == 1)
        yield upkeep


def test_a_worker_that_keeps_up_gets_jobs(services: Services, upkeep: Upkeep) -> None:
    job = accepted(services.store)

    until(lambda: sent_by(services) == [job.id])


def test_a_worker_that_is_to_stop_takes_no_more_jobs_and_keeps_its_leases(
    services: Services, redis_client: "Redis"
) -> None:
    leases = Leases(services.store)
    job = running(services.store)
    upkeep = an_upkeep(services, leases=leases)
    upkeep.drain()
    # near its end, and not over: else its own sweep may be quicker than its renewal
    soon = now_ms(redis_client) + 5_000
    redis_client.zadd(f"{PREFIX}running", {job.id: soon})

    with leases.keep(job.id, Lease(CLAIM, lease_clock())), started(upkeep):
        until(lambda: (redis_client.zscore(f"{PREFIX}running", job.id) or 0) > soon)

        assert known(services.store, job.id).claim == CLAIM
        assert len(services.index.worker_slots()) == 0


def test_a_worker_that_is_told_to_stop_in_the_middle_of_a_heartbeat_is_gone(
    services: Services, redis_client: "Redis"
) -> None:
    class Told(JobStore):
        def heartbeat(self, worker: str, capacity: int, ttl_ms: int, trouble: Trouble = "") -> None:
            if capacity:
                upkeep.drain()
            super().heartbeat(worker, capacity, ttl_ms, trouble)
            if capacity:
                beaten.set()

    beaten = threading.Event()
    upkeep = an_upkeep(replace(services, store=Told(redis_client, Pace(1))))
    with started(upkeep):
        assert beaten.wait(10)
        until(lambda: len(services.index.worker_slots()) == 0, 2)


def test_a_drained_worker_is_gone_at_once(services: Services, upkeep: Upkeep) -> None:
    upkeep.drain()

    assert len(services.index.worker_slots()) == 0


def test_a_stopped_worker_has_said_good_bye_and_has_no_thread(services: Services) -> None:
    before = set(threading.enumerate())

    with started(an_upkeep(services)):
        assert len(set(threading.enumerate()) - before) > 5

    assert set(threading.enumerate()) <= before
    assert len(services.index.worker_slots()) == 0


def test_a_worker_that_could_not_keep_an_image_lives_and_gets_no_job(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)
    job, told = accepted(services.store), list[bool]()

    with started(an_upkeep(services, tend=told.append)):
        until(lambda: services.index.outlook(job).holdup == "storage_error")
        until(lambda: told)
        assert (len(services.index.worker_slots()), sent_by(services), told) == (1, [], [False])
        monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 0)

        until(lambda: sent_by(services) == [job.id])
        until(lambda: told[-1])
        assert services.index.outlook(job).holdup == ""


def test_a_worker_that_alone_does_not_reach_the_provider_lives_and_gets_no_job_until_it_does(
    services: Services,
) -> None:
    clock = Clock()
    reach, job, told = Reach(services, clock), accepted(services.store), list[bool]()
    accountant = Reached(reach, ProviderUnavailable("away"), 50_000)
    for _ in range(5):
        reach.heard("connect_error")
    for _ in range(2):
        reach.look(accountant)

    with started(an_upkeep(services, accountant, tend=told.append, reach=reach)):
        until(lambda: services.index.outlook(job).holdup == "provider_unavailable")
        until(lambda: told)
        assert (services.index.worker_slots(), sent_by(services), told) == ([0], [], [False])
        clock.seconds = 6
        until(lambda: len(accountant.polls) == 1)
        clock.seconds = 12

        until(lambda: sent_by(services) == [job.id])
        until(lambda: told[-1])


def test_while_the_storage_hangs_only_what_was_sent_keeps_its_lease(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[bool] = []

    class Noting(Leases):
        def renew(self, *, only_sent: bool = False) -> None:
            renewed.append(only_sent)

    monkeypatch.setattr("worker.storage_watch.StorageWatch.hangs", lambda _: True)
    with started(an_upkeep(services, leases=Noting(services.store))):
        until(lambda: renewed)

    assert set(renewed) == {True}


@pytest.mark.parametrize("error", [StoreUnavailable("away"), ValueError("a defect")])
def test_a_step_that_fails_does_not_stop_the_others(services: Services, error: Exception) -> None:
    class Bad(Leases):
        def renew(self, *, only_sent: bool = False) -> None:
            raise error

    job = accepted(services.store)

    with started(an_upkeep(services, leases=Bad(services.store))):
        until(lambda: sent_by(services) == [job.id])


def test_a_lost_message_is_sent_again(
    services: Services, redis_client: "Redis", upkeep: Upkeep
) -> None:
    job_id = accepted(services.store).id
    until(lambda: sent_by(services) == [job_id])

    redis_client.zadd(f"{PREFIX}dispatched", {job_id: 1})

    until(lambda: sent_by(services) == [job_id, job_id])
    assert services.store.claim(job_id, CLAIM, LEASE_MS) is not None


def test_a_worker_whose_store_is_a_newer_release_s_by_now_ends(
    services: Services, redis_client: "Redis"
) -> None:
    job, told = accepted(services.store), list[bool]()
    redis_client.set(f"{PREFIX}schema", SCHEMA_VERSION + 1)

    with started(an_upkeep(services, restart=lambda: told.append(True))):
        until(lambda: told)

    assert (told, sent_by(services)) == ([True], [])
    redis_client.delete(f"{PREFIX}schema")
    assert known(services.store, job.id).status == "queued"
