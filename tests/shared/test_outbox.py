"""Contract of the outbox: what has ended gets in by the same script, and one at a time takes it out."""

from collections.abc import Callable

import pytest
from redis import Redis

from shared.deliveries import Deliveries, Try
from shared.errors import Conflict, KeyReused
from shared.job_store import JobStore
from shared.jobs import new_job_id
from shared.moves import Replay
from shared.outbox import KEPT_TRIES, Outbox
from shared.scripts import PREFIX
from tests.builders import CLAIM, accepted, at_once, dump, known, now_ms, running
from tests.webhooks import (
    DELIVERED,
    FAILED,
    URL,
    batch_of,
    ended,
    leases_end,
    pauses_end,
    sending,
    take,
    taken,
    waiting,
)

ENDS: dict[str, Callable[[JobStore, str], object]] = {
    "succeeded": lambda store, job_id: store.succeed(job_id),
    "failed": lambda store, job_id: store.fail(job_id, CLAIM),
    "canceled": lambda store, job_id: store.cancel([job_id]),
}


@pytest.fixture
def outbox(redis_client: "Redis") -> Outbox:
    """Give the outbox of an empty store."""
    return Outbox(redis_client)


@pytest.mark.parametrize("end", ENDS)
def test_the_end_of_a_job_is_due_at_once(store: JobStore, redis_client: "Redis", end: str) -> None:
    job = running(store, webhook=URL)
    assert not waiting(redis_client)

    assert ENDS[end](store, job.id)

    assert list(waiting(redis_client)) == [f"job:{job.id}"]
    assert waiting(redis_client)[f"job:{job.id}"] <= now_ms(redis_client)


@pytest.mark.parametrize("end", ENDS)
def test_nobody_is_told_of_a_job_without_an_address(
    store: JobStore, redis_client: "Redis", end: str
) -> None:
    ENDS[end](store, running(store).id)

    assert not [name for name in dump(redis_client) if "outbox" in name]


def test_a_batch_is_due_when_its_last_job_has_ended(store: JobStore, outbox: Outbox) -> None:
    batch = batch_of(store, 3)
    for job_id in batch.jobs[1:]:
        store.succeed(job_id)
    before = take(outbox)

    store.cancel([batch.jobs[0]])

    assert before is None
    assert taken(outbox).subject == f"batch:{batch.id}"
    assert take(outbox) is None


def test_what_is_taken_is_nobody_elses(store: JobStore, outbox: Outbox) -> None:
    jobs = [ended(store, f"http://r{number}.test/") for number in range(40)]

    found = at_once(lambda number: take(outbox, f"c{number}"), range(60))

    assert sorted(each.id for each in found if each) == sorted(job.id for job in jobs)


def test_what_its_taker_never_tells_of_is_taken_again(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)
    first = taken(outbox)

    early = take(outbox)
    leases_end(redis_client)
    again = taken(outbox, "c2")

    assert early is None
    assert (first.id, again.id, again.failures) == (job.id, job.id, 0)


def test_what_was_delivered_is_never_taken_again(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)

    assert outbox.record(taken(outbox), DELIVERED, 5_000)

    pauses_end(redis_client)
    assert take(outbox) is None
    assert outbox.deliveries(job) == Deliveries("delivered", None, (DELIVERED,))
    assert redis_client.exists(f"{PREFIX}outbox", f"{PREFIX}outbox:hooks.test") == 0


def test_a_try_that_failed_is_followed_by_the_next_after_its_pause(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)
    begun = now_ms(redis_client)

    assert outbox.record(taken(outbox), FAILED, 5_000)

    told = outbox.deliveries(job)
    assert (told.status, told.tries) == ("waiting", (FAILED,))
    assert not sending(redis_client)
    assert told.next_try
    assert 5_000 <= told.next_try - begun <= 6_000
    assert take(outbox) is None
    pauses_end(redis_client)
    assert taken(outbox).failures == 1


def test_a_webhook_is_given_up_when_there_is_no_next_try(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)

    outbox.record(taken(outbox), FAILED, None)

    pauses_end(redis_client)
    assert take(outbox) is None
    assert outbox.deliveries(job) == Deliveries("failed", None, (FAILED,))


def test_a_try_that_is_under_way_has_no_next_one_yet(store: JobStore, outbox: Outbox) -> None:
    job = ended(store)

    taken(outbox)

    assert outbox.deliveries(job) == Deliveries("waiting", None, ())


def test_before_the_end_and_without_an_address_there_is_nothing_to_tell(
    store: JobStore, outbox: Outbox
) -> None:
    assert outbox.deliveries(accepted(store, webhook=URL)) == Deliveries("waiting")
    assert outbox.deliveries(accepted(store)) == Deliveries("none")


@pytest.mark.parametrize("late", [FAILED, DELIVERED])
def test_a_try_that_comes_too_late_is_noted_and_decides_nothing(
    store: JobStore, outbox: Outbox, redis_client: "Redis", late: Try
) -> None:
    job = ended(store)
    slow = taken(outbox, "slow")
    leases_end(redis_client)
    taken(outbox, "quick")

    assert not outbox.record(slow, late, None)

    assert outbox.deliveries(job) == Deliveries("waiting", None, (late,))
    assert sending(redis_client) == [f"job:{job.id}"]


def test_a_try_is_noted_once_however_often_it_is_told(store: JobStore, outbox: Outbox) -> None:
    job = ended(store)
    parcel = taken(outbox)

    outbox.record(parcel, FAILED, 60_000)
    outbox.record(parcel, FAILED, 60_000)

    told = outbox.deliveries(job)
    assert (told.status, told.tries) == ("waiting", (FAILED,))


def test_the_latest_tries_are_kept(store: JobStore, outbox: Outbox, redis_client: "Redis") -> None:
    job = ended(store)
    tries = [Try(number, 500, "no", 1) for number in range(KEPT_TRIES + 3)]

    for each in tries:
        outbox.record(taken(outbox), each, 0)
        pauses_end(redis_client)

    assert outbox.deliveries(job).tries == tuple(tries[3:])


def test_nothing_is_left_of_a_webhook_whose_record_is_gone(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    waits, under_way = ended(store), ended(store, "http://other.test/")
    parcels = [taken(outbox), taken(outbox)]
    (parcel,) = [each for each in parcels if each.id == under_way.id]
    leases_end(redis_client)
    redis_client.delete(f"{PREFIX}job:{waits.id}", f"{PREFIX}job:{under_way.id}")

    assert not outbox.record(parcel, FAILED, 0)
    assert [take(outbox) for _ in range(3)] == [None, None, None]

    left = [name for name in dump(redis_client) if "outbox" in name or "sending" in name]
    assert not left
    assert not [name for name in dump(redis_client) if "tries" in name]


@pytest.mark.parametrize("state", ["delivered", "failed", "waiting", "under way"])
def test_a_webhook_that_is_asked_for_again_starts_anew(
    store: JobStore, outbox: Outbox, redis_client: "Redis", state: str
) -> None:
    job = ended(store)
    first = taken(outbox)
    if state != "under way":
        outbox.record(first, DELIVERED if state == "delivered" else FAILED,
                      60_000 if state == "waiting" else None)  # fmt: skip

    assert outbox.again(job, None)

    told = outbox.deliveries(job)
    assert (told.status, len(told.tries)) == ("waiting", int(state != "under way"))
    assert told.next_try
    again = taken(outbox, "c2")
    assert (again.id, again.failures) == (job.id, 0)


def test_a_try_from_before_it_was_asked_for_again_does_not_end_it(
    store: JobStore, outbox: Outbox, redis_client: "Redis"
) -> None:
    job = ended(store)
    first = taken(outbox)
    outbox.again(job, None)

    assert not outbox.record(first, DELIVERED, None)

    assert list(waiting(redis_client)) == [f"job:{job.id}"]


@pytest.mark.parametrize("has", ["not ended", "no address"])
def test_there_is_nothing_to_send_again(
    store: JobStore, outbox: Outbox, redis_client: "Redis", has: str
) -> None:
    job = accepted(store, webhook=URL) if has == "not ended" else running(store)
    if has == "no address":
        store.succeed(job.id)
    before = dump(redis_client)

    with pytest.raises(Conflict, match="not ended" if has == "not ended" else "webhook_url"):
        outbox.again(known(store, job.id), Replay("k", "f"))

    assert dump(redis_client) == before


def test_a_key_sends_it_again_once(store: JobStore, outbox: Outbox, redis_client: "Redis") -> None:
    job, key = ended(store), Replay(new_job_id(), "f1")
    outbox.record(taken(outbox), DELIVERED, None)

    first = outbox.again(job, key)
    outbox.record(taken(outbox, "c2"), FAILED, None)
    second = outbox.again(job, key)

    assert (first, second) == (True, False)
    assert take(outbox) is None
    with pytest.raises(KeyReused):
        outbox.again(job, Replay(key.key, "f2"))
