"""A job in a worker waits for its turn, and sends nothing that is not its own to send."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Pace
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import CLAIM, LEASE_MS, accepted, known, places, until
from tests.fakes import ScriptedProvider
from tests.worker.bench import IMAGE, after_a_run, workshop
from tests.worker.kitchen import creative
from worker.leases import Lease, Leases
from worker.make_image import make_image
from worker.wire import Outgoing


class FrozenLeases(Leases):
    """Leases of a process that was stopped for a minute after it took its job."""

    @contextmanager
    def keep(self, job_id: str, lease: Lease) -> Iterator[Lease]:
        """Give a lease that was renewed long ago."""
        lease.renewed -= 60
        with super().keep(job_id, lease):
            yield lease


def test_while_calls_are_paused_a_job_waits_in_the_queue(
    services: Services, redis_client: "Redis"
) -> None:
    services.store.pause(60_000)

    job = after_a_run(services, accepted(services.store), ScriptedProvider())

    assert (job.status, job.attempts) == ("queued", 0)
    assert places(redis_client, job.id) == ["delayed"]


def test_a_slot_far_away_is_awaited_in_the_queue(services: Services, redis_client: "Redis") -> None:
    redis_client.set(f"{PREFIX}pace:next", (time.time() + 30) * 1000)

    job = after_a_run(services, accepted(services.store), ScriptedProvider())

    assert (job.status, job.attempts) == ("queued", 0)
    assert places(redis_client, job.id) == ["delayed"]


def test_a_stop_while_waiting_for_a_slot_hands_the_job_back(
    services: Services, redis_client: "Redis"
) -> None:
    store, job = JobStore(redis_client, Pace(2_500)), accepted(services.store)
    first = accepted(store)
    store.claim(first.id, CLAIM, LEASE_MS)
    assert store.begin_call(first.id, CLAIM, 0).word == "go"
    shop = workshop(services, ScriptedProvider(), store=store)
    worker = threading.Thread(target=make_image, args=[job.id, shop])

    worker.start()
    until(lambda: known(store, job.id).slot)
    shop.stopping.set()
    worker.join(timeout=2)

    after = known(store, job.id)
    assert not worker.is_alive()
    assert (after.status, after.attempts, after.slot) == ("queued", 0, None)
    assert places(redis_client, job.id) == ["queued"]


def test_a_slot_that_is_near_is_awaited(services: Services, redis_client: "Redis") -> None:
    store, provider = JobStore(redis_client, Pace(100)), ScriptedProvider(IMAGE, IMAGE)

    first = after_a_run(services, accepted(store), provider, store=store)
    second = after_a_run(services, accepted(store), provider, store=store)

    assert first.status == second.status == "succeeded"


def test_a_process_that_was_frozen_does_not_send(services: Services) -> None:
    provider = ScriptedProvider(IMAGE)

    job = after_a_run(
        services, accepted(services.store), provider, leases=FrozenLeases(services.store)
    )

    assert provider.calls == []
    assert (job.status, job.attempts) == ("queued", 0)


@pytest.mark.parametrize("order", [lambda services: accepted(services.store), creative])
def test_a_process_that_was_frozen_while_it_connected_does_not_send(
    services: Services, order: Callable[[Services], Job]
) -> None:
    class Slow(ScriptedProvider):
        """A provider whose connection stands only after this process was stopped for a minute."""

        def call(self, outgoing: Outgoing, check: Callable[[], None]) -> Any:
            (lease,) = leases.running().values()
            lease.renewed -= 60
            return super().call(outgoing, check)

        start = call

    provider, leases = Slow(IMAGE), Leases(services.store)

    after = after_a_run(services, order(services), provider, leases=leases)

    assert (after.status, after.attempts, after.unknown) == ("queued", 0, 0)


def test_a_job_that_was_taken_over_meanwhile_is_not_sent(
    services: Services, redis_client: "Redis"
) -> None:
    class Overtaken(JobStore):
        def begin_call(self, job_id: str, claim: str, longest_wait_ms: int) -> Any:
            redis_client.hset(f"{PREFIX}job:{job_id}", "claim", "another")
            return super().begin_call(job_id, claim, longest_wait_ms)

    provider, store = ScriptedProvider(IMAGE), Overtaken(redis_client, Pace(1))

    job = after_a_run(services, accepted(store), provider, store=store)

    assert provider.calls == []
    assert (job.status, job.claim) == ("running", "another")
