"""A store of a newer release is left alone; an older one is taken over when nobody works on it."""

from collections.abc import Callable

import pytest
from redis import Redis

from shared.batches import from_batch_record
from shared.errors import OtherRelease, StoreUnavailable
from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.jobs import from_record
from shared.moves import Release
from shared.schema import SCHEMA_VERSION
from shared.scripts import PREFIX, Scripts
from tests.builders import CLAIM, LEASE_MS, a_batch, a_job, accepted, dump, running

NEWER = SCHEMA_VERSION + 1
SCHEMA = f"{PREFIX}schema"


def written(redis: "Redis") -> int:
    """Return the form that the store says it has."""
    return int(redis.get(SCHEMA) or 0)


def test_a_store_and_its_records_tell_their_form(store: JobStore, redis_client: "Redis") -> None:
    batch, jobs = a_batch()
    store.accept_batch(batch, jobs, 10)

    names = [f"batch:{batch.id}", f"job:{jobs[0].id}"]
    forms = [redis_client.hget(f"{PREFIX}{name}", "schema") for name in names]
    assert forms == [str(SCHEMA_VERSION)] * 2
    assert written(redis_client) == SCHEMA_VERSION


@pytest.mark.parametrize(
    "change",
    [
        lambda store, _: store.accept(a_job(), 10),
        lambda store, _: store.dispatch(),
        lambda store, job: store.claim(job, "other", LEASE_MS),
        lambda store, job: store.renew({job: CLAIM}, LEASE_MS),
        lambda store, job: store.begin_call(job, CLAIM, 10_000),
        lambda store, job: store.park(job, "p", 1),
        lambda store, job: store.release(job, CLAIM, Release()),
        lambda store, job: store.succeed(job),
        lambda store, job: store.cancel([job]),
        lambda store, _: store.sweep("other", LEASE_MS),
        lambda store, _: store.heartbeat("w", 10, 60_000),
        lambda store, _: store.expired(),
        lambda store, _: store.check(),
    ],
)
def test_what_a_newer_release_has_written_to_is_not_touched(
    store: JobStore, redis_client: "Redis", change: Callable[[JobStore, str], object]
) -> None:
    job = running(store)
    redis_client.set(SCHEMA, NEWER)
    before = dump(redis_client)

    with pytest.raises(OtherRelease, match=f"form {NEWER}; this one knows {SCHEMA_VERSION}"):
        change(store, job.id)

    assert dump(redis_client) == before


def test_a_record_of_a_newer_form_is_not_read(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    job = accepted(store)
    redis_client.hset(f"{PREFIX}job:{job.id}", "schema", NEWER)

    with pytest.raises(OtherRelease):
        store.get(job.id)
    with pytest.raises(OtherRelease):
        index.jobs([job.id])
    with pytest.raises(OtherRelease):
        from_batch_record("b", {"schema": str(NEWER), "jobs": ""})


def test_a_field_of_a_newer_release_is_left_alone(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)
    redis_client.hset(f"{PREFIX}job:{job.id}", "mood", "bright")

    assert store.get(job.id) == job


def test_a_record_of_before_there_were_forms_is_read() -> None:
    told = {"status": "queued", "created": "1", "deadline": "2", "estimate": "3", "request": "{}"}
    named = {"kind": "generate", "operation": "o", "variant": "v", "image": "i"}

    assert from_record("j", {**told, **named}).owner == ""


def test_a_store_without_a_form_is_taken_over_also_while_others_work_on_it(
    store: JobStore, redis_client: "Redis"
) -> None:
    store.heartbeat("w", 10, 60_000)
    redis_client.delete(SCHEMA)

    accepted(store)

    assert written(redis_client) == SCHEMA_VERSION


def test_a_newer_release_waits_for_the_last_worker_of_an_older_one(
    store: JobStore, redis_client: "Redis"
) -> None:
    newer = Scripts(redis_client, schema=NEWER)
    store.heartbeat("w", 10, 60_000)

    with pytest.raises(StoreUnavailable, match="Workers of an older release still run"):
        newer.run("heartbeat", "new", 10, 60_000, "")
    assert written(redis_client) == SCHEMA_VERSION

    store.heartbeat("w", 0, 0)
    newer.run("heartbeat", "new", 10, 60_000, "")
    assert written(redis_client) == NEWER
    with pytest.raises(OtherRelease):
        store.heartbeat("w", 10, 60_000)
