"""A worker that lives and takes no more messages is found, and no other."""

import time
from collections.abc import Callable

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.job_store import UNCLAIMED_MS, JobStore
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import CLAIM, accepted, dispatched, running
from worker.leases import Lease, Leases, lease_clock
from worker.watchdog import DEAF_SECONDS, LOOK_SECONDS, UNWELL_SECONDS, Watchdog

Pass = Callable[[float], None]


@pytest.fixture
def restarts() -> list[str]:
    """Give the restarts that were asked for."""
    return []


@pytest.fixture
def watchdog(services: Services, restarts: list[str]) -> Watchdog:
    """Give the watchdog of a worker with one slot."""
    leases = Leases(services.store)
    return Watchdog(services.index, leases, 1, lambda: restarts.append("now"))


@pytest.fixture
def passing(monkeypatch: pytest.MonkeyPatch) -> Pass:
    """Give a way to let time pass, which nothing but the watchdog notices."""
    real, passed = time.monotonic, 0.0

    def let_pass(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr("worker.watchdog.time.monotonic", lambda: real() + passed)
    return let_pass


def look(watchdog: Watchdog) -> None:
    """Look at a worker whose consumer asks for messages as it should."""
    watchdog.well()
    watchdog.look()


def put_back(store: JobStore, redis: "Redis") -> None:
    """Let a message lie unclaimed until its job is put back."""
    job_id = dispatched(store, accepted(store))
    redis.zadd(f"{PREFIX}dispatched", {job_id: 1})
    assert store.sweep(CLAIM, 1_000).put_back == 1
    store.cancel([job_id])


def test_a_message_may_lie_unclaimed_twice_before_a_worker_counts_as_deaf() -> None:
    assert DEAF_SECONDS * 1000 >= 2 * (UNCLAIMED_MS + LOOK_SECONDS * 1000)


def test_a_worker_that_hears_nothing_while_messages_lie_unclaimed_is_restarted_once(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    for _ in range(5):
        put_back(services.store, redis_client)
        look(watchdog)
        passing(DEAF_SECONDS / 2 + 1)

    assert restarts == ["now"]


def test_a_worker_that_hears_is_not_restarted(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    for _ in range(4):
        watchdog.heard()
        put_back(services.store, redis_client)
        look(watchdog)
        passing(DEAF_SECONDS / 2 + 1)

    assert restarts == []


def test_a_worker_without_a_free_slot_is_not_restarted(
    services: Services, redis_client: "Redis", restarts: list[str], passing: Pass
) -> None:
    leases = Leases(services.store)
    busy = Watchdog(services.index, leases, 1, lambda: restarts.append("now"))

    with leases.keep(running(services.store).id, Lease(CLAIM, lease_clock())):
        for _ in range(4):
            put_back(services.store, redis_client)
            look(busy)
            passing(DEAF_SECONDS / 2 + 1)

    assert restarts == []


def test_a_worker_with_nothing_to_do_is_not_restarted_whatever_was_lost_before(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    put_back(services.store, redis_client)
    look(watchdog)
    put_back(services.store, redis_client)
    look(watchdog)

    for _ in range(4):
        passing(DEAF_SECONDS)
        look(watchdog)

    assert restarts == []


def test_a_worker_is_not_restarted_before_celery_has_tried_again_to_reach_redis(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    look(watchdog)
    passing(600)  # Redis was away, or nothing was to do: no time in which a message could be heard

    for _ in range(int(DEAF_SECONDS / LOOK_SECONDS)):
        put_back(services.store, redis_client)
        look(watchdog)
        passing(LOOK_SECONDS - 0.1)

    assert restarts == []


def test_messages_that_are_lost_now_and_then_tell_nothing(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    for _ in range(4):
        put_back(services.store, redis_client)
        look(watchdog)
        passing(2 * DEAF_SECONDS)

    assert restarts == []


def test_a_store_that_has_lost_its_count_tells_nothing(
    services: Services,
    redis_client: "Redis",
    watchdog: Watchdog,
    restarts: list[str],
    passing: Pass,
) -> None:
    for lost in (8, 6, 4, 2):
        redis_client.hset(f"{PREFIX}counts", "messages_put_back", lost)
        look(watchdog)
        passing(DEAF_SECONDS - 1)

    assert restarts == []


def test_a_worker_whose_consumer_asks_for_nothing_is_restarted_though_others_take_every_message(
    watchdog: Watchdog, restarts: list[str], passing: Pass
) -> None:
    look(watchdog)

    passing(UNWELL_SECONDS - 1)
    watchdog.look()
    assert restarts == []

    passing(1)
    watchdog.look()
    watchdog.look()
    assert restarts == ["now"]


def test_the_time_in_which_redis_is_away_is_not_held_against_it(
    services: Services, restarts: list[str], passing: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise StoreUnavailable("away")

    watchdog = Watchdog(services.index, Leases(services.store), 1, lambda: restarts.append("now"))
    look(watchdog)
    passing(UNWELL_SECONDS / 2)
    with monkeypatch.context() as patch:
        patch.setattr(services.index, "counts", away)
        with pytest.raises(StoreUnavailable):
            watchdog.look()
    passing(UNWELL_SECONDS)

    watchdog.look()
    passing(UNWELL_SECONDS - 1)
    watchdog.look()

    assert restarts == []
