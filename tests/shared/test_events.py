"""Whoever waits for a job is woken by its changes, on a real server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from shared.events import CHANNEL, Events
from shared.job_store import JobStore
from shared.jobs import new_job_id
from tests.builders import CLAIM, LEASE_MS, accepted, until


@pytest.fixture
def fresh(redis_client: "Redis") -> Iterator[Events]:
    """Give events that have not subscribed yet."""
    events = Events(redis_client)
    yield events
    events.close()


@pytest.fixture
def events(fresh: Events, redis_client: "Redis") -> Events:
    """Give events that hear what is published: the second wake-up can only be a message's."""
    for _ in range(2):
        heard(fresh, redis_client)
    return fresh


def heard(events: Events, redis: "Redis") -> None:
    """Return when a change of some job has woken whoever waits for it."""
    probe = new_job_id()
    with events.watch(probe) as event:
        event.clear()

        def woken() -> bool:
            redis.publish(CHANNEL, f"{probe} 1 queued")
            return event.wait(0.02)

        until(woken)


@contextmanager
def waiting(events: Events, redis: "Redis", job_id: str) -> Iterator[threading.Event]:
    """Give the event of a waiter who has seen all that has happened until now."""
    with events.watch(job_id) as event:
        heard(events, redis)
        event.clear()
        yield event


def test_a_waiter_is_woken_by_a_change_of_its_job(
    events: Events, store: JobStore, redis_client: "Redis"
) -> None:
    job = accepted(store)

    with waiting(events, redis_client, job.id) as event:
        store.claim(job.id, CLAIM, LEASE_MS)

        assert event.wait(10)


def test_every_waiter_of_a_job_is_woken(
    events: Events, store: JobStore, redis_client: "Redis"
) -> None:
    job, seen = accepted(store), redis_client

    with waiting(events, seen, job.id) as one, waiting(events, seen, job.id) as other:
        store.succeed(job.id)

        assert one.wait(10)
        assert other.wait(10)


def test_a_change_of_another_job_wakes_nobody(
    events: Events, store: JobStore, redis_client: "Redis"
) -> None:
    with waiting(events, redis_client, accepted(store).id) as event:
        store.succeed(accepted(store).id)
        heard(events, redis_client)

        assert not event.is_set()


def test_the_first_look_at_a_job_needs_no_change(events: Events) -> None:
    with events.watch("a") as event:
        assert event.is_set()


def test_a_change_while_the_channel_is_still_being_opened_is_not_missed(
    fresh: Events, store: JobStore
) -> None:
    job = accepted(store)

    with fresh.watch(job.id) as event:
        event.clear()
        store.succeed(job.id)

        assert event.wait(10)


def test_a_reconnect_wakes_everybody(events: Events, redis_client: "Redis") -> None:
    with waiting(events, redis_client, "a") as one, waiting(events, redis_client, "b") as other:
        assert redis_client.client_kill_filter(_type="pubsub") >= 1

        assert one.wait(10)
        assert other.wait(10)


def test_after_a_reconnect_changes_are_heard_again(events: Events, redis_client: "Redis") -> None:
    redis_client.client_kill_filter(_type="pubsub")

    for _ in range(2):
        heard(events, redis_client)


def test_closing_wakes_everybody_for_good(events: Events, redis_client: "Redis") -> None:
    with waiting(events, redis_client, "a") as event:
        waiter = threading.Thread(target=event.wait, args=[10])
        waiter.start()
        events.close()
        waiter.join(timeout=5)

        assert not waiter.is_alive()
        assert events.closed


def test_nobody_is_remembered_who_waits_no_more(events: Events) -> None:
    with events.watch("a"), events.watch("a"), events.watch("b"):
        assert set(vars(events)["_waiting"]) == {"a", "b"}

    with pytest.raises(KeyError), events.watch("a"):
        raise KeyError

    assert not vars(events)["_waiting"]
