"""Many webhooks at once: each is sent once, and nobody is kept waiting by a receiver that hangs."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared.errors import StoreUnavailable
from shared.outbound import Outbound
from shared.outbox import Outbox
from shared.services import Services
from tests.builders import accepted, until
from tests.fakes import FlakyStore, RememberingQueue
from tests.webhooks import batch_of, ended, leases_end, verified, with_webhooks
from tests.worker.bench import an_upkeep
from tests.worker.provider_server import ProviderServer, never, provider, says
from worker.webhooks import MOST_AT_ONCE, MOST_TO_ONE, Courier

OK = says(204, b"")
NO = says(500, b"")


@pytest.fixture
def services(services: Services) -> Iterator[Services]:
    """Give services that may call this machine, with a secret to sign by."""
    yield with_webhooks(services)
    # the receivers are gone, so whoever waited for one ends now, before the store does
    until(lambda: not threads("webhook"))


def here(_: str) -> list[str]:
    """Find every name on this machine."""
    return ["127.0.0.1"]


def url_of(server: ProviderServer) -> str:
    """Return where a server listens, under a name of its own: one host is one receiver."""
    port = server.server_address[1]
    return f"http://r{port}.test:{port}/"


@contextmanager
def courier(services: Services, seconds: float = 10) -> Iterator[Courier]:
    """Give a courier as a worker has one, without the thread that calls it."""
    courier = Courier(services, Outbound(True, seconds, resolve=here))
    yield courier
    courier.stop(1)


@contextmanager
def receivers(number: int, answer: Any) -> Iterator[list[ProviderServer]]:
    """Run several receivers."""
    with ExitStack() as stack:
        yield [stack.enter_context(provider(answer)) for _ in range(number)]


def calls(server: ProviderServer) -> Counter[str]:
    """Return how often a receiver was called about what."""
    return Counter(str(call.headers["webhook-id"]) for call in server.received)


def delivered(services: Services, jobs: list[Any]) -> bool:
    """Tell whether all these jobs' receivers have taken their webhooks."""
    return all(services.outbox.deliveries(job).status == "delivered" for job in jobs)


def test_one_look_sends_all_that_is_due(services: Services) -> None:
    with provider(OK) as server, courier(services) as ours:
        jobs = [ended(services.store, server.url) for _ in range(100)]

        ours.collect()

        until(lambda: delivered(services, jobs))
    assert calls(server) == {f"msg_{job.id}": 1 for job in jobs}


def test_two_workers_send_each_once(services: Services) -> None:
    with provider(OK) as server, courier(services) as ours, courier(services) as others:
        jobs = [ended(services.store, server.url) for _ in range(100)]

        ours.collect()
        others.collect()

        until(lambda: delivered(services, jobs))
    assert calls(server) == {f"msg_{job.id}": 1 for job in jobs}


def test_a_receiver_that_hangs_keeps_no_other_waiting(services: Services) -> None:
    with provider(never) as dead, receivers(5, OK) as others, courier(services) as ours:
        for _ in range(200):
            ended(services.store, url_of(dead))
        ours.collect()
        begun = time.monotonic()
        jobs = [ended(services.store, url_of(server)) for server in others for _ in range(20)]

        ours.collect()
        until(lambda: delivered(services, jobs), 5)

        assert time.monotonic() - begun < 5
        assert len(dead.received) <= MOST_TO_ONE


def test_with_all_hands_full_the_next_free_one_is_for_who_has_waited_longest(
    services: Services, redis_client: "Redis"
) -> None:
    hang = MOST_AT_ONCE // MOST_TO_ONE
    with receivers(hang, never) as dead, provider(OK) as server, courier(services, 0.5) as ours:
        for each in dead:
            for _ in range(MOST_TO_ONE * 10):
                ended(services.store, url_of(each))
        ours.collect()
        until(lambda: sum(len(each.received) for each in dead) >= MOST_AT_ONCE)
        job = ended(services.store, url_of(server))

        until(lambda: delivered(services, [job]), 20)
        # ten rounds of all hands came before it
        assert sum(len(each.received) for each in dead) < 5 * MOST_AT_ONCE


def test_a_hand_goes_on_after_a_receiver_that_failed(services: Services) -> None:
    with provider(NO) as bad, provider(OK) as good, courier(services) as ours:
        failed = [ended(services.store, url_of(bad)) for _ in range(10)]
        jobs = [ended(services.store, url_of(good)) for _ in range(10)]

        ours.collect()

        until(lambda: delivered(services, jobs))
        until(lambda: len(bad.received) == 10)
    assert {services.outbox.deliveries(job).status for job in failed} == {"waiting"}


def test_a_courier_that_stops_waits_for_what_is_under_way_and_begins_nothing_more(
    services: Services,
) -> None:
    go_on = threading.Event()

    def slow(connection: Any, over: threading.Event) -> None:
        go_on.wait(10)
        OK(connection, over)

    with provider(slow) as server, courier(services) as ours:
        jobs = [ended(services.store, server.url) for _ in range(MOST_TO_ONE + 3)]
        ours.collect()
        until(lambda: len(server.received) == MOST_TO_ONE)
        threading.Timer(0.1, go_on.set).start()

        ours.stop(10)
        ours.collect()

    states = Counter(services.outbox.deliveries(job).status for job in jobs)
    assert states == {"delivered": MOST_TO_ONE, "waiting": 3}
    assert len(server.received) == MOST_TO_ONE


def test_a_courier_does_not_wait_for_ever_for_a_receiver_that_hangs(
    services: Services, redis_client: "Redis"
) -> None:
    with provider(never) as server:
        with courier(services) as ours:
            job = ended(services.store, server.url)
            ours.collect()
            until(lambda: server.received)
            begun = time.monotonic()

            ours.stop(0.2)

            assert time.monotonic() - begun < 2
        server.answer = OK
        leases_end(redis_client)
        with courier(services) as another:
            another.collect()
            until(lambda: delivered(services, [job]))
    assert calls(server) == {f"msg_{job.id}": 2}


class Away(Outbox):
    """An outbox that is away for the first so many answers of a method, after it has acted."""

    def __init__(self, redis: "Redis", name: str, times: int) -> None:
        super().__init__(redis)
        real, left = getattr(self, name), [times]

        def flaky(*args: Any) -> Any:
            answer = real(*args)
            if left[0] > 0:
                left[0] -= 1
                raise StoreUnavailable("away")
            return answer

        setattr(self, name, flaky)


def test_what_was_sent_is_told_again_while_the_store_is_away(
    services: Services, redis_client: "Redis"
) -> None:
    away = replace(services, outbox=Away(redis_client, "record", 2))
    with provider(OK) as server, courier(away) as ours:
        job = ended(services.store, server.url)
        ours.collect()

        until(lambda: delivered(services, [job]))

    assert calls(server) == {f"msg_{job.id}": 1}
    assert len(services.outbox.deliveries(job).tries) == 1


def test_what_could_not_be_read_is_sent_when_the_store_is_back(
    services: Services, redis_client: "Redis"
) -> None:
    flaky: Any = FlakyStore(services.store, acts_first=False, get=MOST_TO_ONE)
    with provider(OK) as server, courier(replace(services, store=flaky)) as ours:
        jobs = [ended(services.store, server.url) for _ in range(MOST_TO_ONE)]
        ours.collect()
        ours.collect()
        until(lambda: not threads("webhook"))
        before = list(server.received)
        leases_end(redis_client)

        ours.collect()
        until(lambda: delivered(services, jobs))

    assert not before
    assert calls(server) == {f"msg_{job.id}": 1 for job in jobs}


def threads(name: str) -> list[threading.Thread]:
    """Return the threads of a name that run."""
    return [thread for thread in threading.enumerate() if thread.name == name]


def test_a_store_that_is_away_costs_no_hand(services: Services, redis_client: "Redis") -> None:
    away = replace(services, outbox=Away(redis_client, "take", MOST_AT_ONCE + 5))
    with provider(OK) as server, courier(away) as ours:
        for _ in range(MOST_AT_ONCE + 5):
            with pytest.raises(StoreUnavailable):
                ours.collect()
        jobs = [ended(services.store, server.url) for _ in range(5)]

        ours.collect()

        until(lambda: delivered(services, jobs))


def test_upkeep_delivers_and_a_dead_receiver_delays_no_job(services: Services) -> None:
    with provider(never) as dead, provider(OK) as server:
        for _ in range(100):
            ended(services.store, dead.url.replace("127.0.0.1", "localhost"))
        upkeep = an_upkeep(services)
        upkeep.start()
        until(lambda: len(dead.received) == MOST_TO_ONE)
        begun = time.monotonic()

        job = accepted(services.store)
        until(lambda: sent_by(services) == [job.id])
        batch = batch_of(services.store, 2, server.url)
        services.store.cancel(batch.jobs)
        until(lambda: server.received)

        assert time.monotonic() - begun < 5
        assert verified(server.received[0])["data"]["batch_id"] == batch.id
        begun = time.monotonic()
        upkeep.stop()
        assert time.monotonic() - begun < 8


def sent_by(services: Services) -> list[str]:
    """Return the ids of the jobs that were sent to the workers."""
    assert isinstance(services.queue, RememberingQueue)
    return services.queue.sent
