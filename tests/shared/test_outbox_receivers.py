"""Receivers take turns: how much waits for one of them, or hangs there, is no other's concern."""

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.outbox import Outbox
from shared.scripts import PREFIX
from tests.builders import now_ms
from tests.webhooks import DELIVERED, LEASE_MS, MOST, ended, leases_end, pauses_end, take, taken


@pytest.fixture
def outbox(redis_client: "Redis") -> Outbox:
    """Give the outbox of an empty store."""
    return Outbox(redis_client)


def test_a_receiver_has_no_more_than_so_many_on_their_way(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    for _ in range(5):
        ended(store)
    first, second, third = (take(outbox, f"c{number}") for number in range(3))
    assert first
    assert second
    assert third is None
    ended(store)
    assert take(outbox) is None

    outbox.record(first, DELIVERED, None)

    assert take(outbox, "c4")
    assert take(outbox, "c5") is None
    leases_end(redis_client)
    assert take(outbox, "c6")


def test_receivers_take_turns_however_much_one_of_them_has_waiting(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    for _ in range(300):
        ended(store, "http://many.test/")
    pauses_end(redis_client)  # hours ago
    lone = ended(store, "http://lone.test/")

    first = taken(outbox)
    second = taken(outbox)

    assert lone.id in {first.id, second.id}
    assert first.id != second.id


@pytest.mark.parametrize("dead", [1, 150])
def test_receivers_that_hang_keep_nobody_elses_turn(
    store: JobStore, outbox: Outbox, redis_client: "Redis", dead: int
) -> None:
    for number in range(dead):
        for _ in range(3):
            ended(store, f"http://dead{number}.test/")
    while take(outbox):  # and never told of
        pass

    lone = ended(store, "http://lone.test/")

    assert taken(outbox).id == lone.id
    assert take(outbox) is None


def test_one_host_is_one_receiver_however_its_address_is_written(
    store: JobStore, outbox: Outbox
) -> None:
    for url in ("http://Hooks.test/a", "HTTP://hooks.test?b=1", "http://hooks.test.:80#c"):
        ended(store, url)

    found = [take(outbox) for _ in range(3)]

    assert [bool(each) for each in found] == [True, True, False]


@pytest.mark.parametrize("host", ["dead.test", "[2001:db8::1]"])
def test_one_host_is_one_receiver_at_however_many_ports_it_hangs(
    store: JobStore, outbox: Outbox, host: str
) -> None:
    for port in range(200):
        ended(store, f"https://{host}:{10_000 + port}/")
    lone = ended(store, "http://lone.test/")

    found = [take(outbox) for _ in range(MOST + 1)]

    assert lone.id in {each.id for each in found if each}
    assert take(outbox) is None


def as_before(redis: "Redis", place: str) -> None:
    """Keep what waits for a receiver, or is on its way, by its host and port, as the release before."""
    host = place.partition(":")[0]
    for name in (f"{PREFIX}outbox:", f"{PREFIX}sending:"):
        if redis.exists(name + host):
            redis.rename(name + host, name + place)
    redis.zrem(f"{PREFIX}outbox", host)
    redis.zadd(f"{PREFIX}outbox", {place: 1})


def test_what_the_release_before_has_kept_by_port_is_sent_once(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    jobs = [ended(store, "http://hooks.test:8080/") for _ in range(3)]
    begun = taken(outbox)
    as_before(redis_client, "hooks.test:8080")

    told = outbox.deliveries(jobs[2])
    as_before(redis_client, "hooks.test:8080")
    assert outbox.record(begun, DELIVERED, None)
    as_before(redis_client, "hooks.test:8080")
    rest = [take(outbox, f"c{number}") for number in range(3)]

    assert told.next_try
    assert sorted([begun.id, *(each.id for each in rest if each)]) == sorted(j.id for j in jobs)
    leases_end(redis_client)
    again = [take(outbox, f"d{number}") for number in range(3)]
    assert {each.id for each in again if each} == {each.id for each in rest if each}
    left = {str(name) for name in redis_client.scan_iter(f"{PREFIX}*hooks.test*")}
    assert left == {f"{PREFIX}sending:hooks.test"}


def test_a_lease_lasts_as_long_as_it_was_given(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)
    begun = now_ms(redis_client)

    taken(outbox)

    lease = redis_client.zscore(f"{PREFIX}sending:hooks.test", f"job:{job.id}")
    assert lease
    assert LEASE_MS <= lease - begun <= LEASE_MS + 1_000
    # and by then somebody looks at the receiver again
    assert redis_client.zscore(f"{PREFIX}outbox", "hooks.test") == lease
