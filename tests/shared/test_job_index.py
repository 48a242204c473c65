"""What is asked about many jobs: lists whose pages are stable, batches as of one moment."""

import threading
from collections import Counter
from dataclasses import replace

import pytest
from redis import Redis

from shared.batches import STATUSES, Batch
from shared.job_index import EVERYBODYS, KINDS, Cursor, JobIndex, Wanted
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Release
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    accepted_batch,
    in_state,
    known,
    running,
)


def made_at(store: JobStore, redis: "Redis", moment: int, **changes: object) -> str:
    """Return the id of a job that was made at a moment."""
    job = accepted(store, **changes)
    redis.hset(f"{PREFIX}job:{job.id}", "created", moment)
    redis.zadd(f"{PREFIX}list:{job.kind}:queued", {job.id: moment})
    return job.id


def ids(jobs: list[Job]) -> list[str]:
    """Return the ids of jobs."""
    return [job.id for job in jobs]


def after(job: Job) -> Cursor:
    """Return the cursor behind a job."""
    return Cursor(job.created, job.id)


def all_pages(index: JobIndex, wanted: Wanted) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    while page := index.newest(wanted):
        assert len(page) <= wanted.limit
        assert len(found) < 1_000, "the pages do not end"
        found += ids(page)
        wanted = replace(wanted, after=after(page[-1]))
    return found


def test_a_list_has_the_newest_first(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    made = [made_at(store, redis_client, moment) for moment in (20, 30, 10)]

    assert ids(index.newest(Wanted(""))) == [made[1], made[0], made[2]]


def test_a_list_of_nothing_is_empty(index: JobIndex) -> None:
    assert index.newest(Wanted("")) == []


def test_of_the_same_moment_the_highest_id_comes_first(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    made = [made_at(store, redis_client, 5) for _ in range(10)]

    assert ids(index.newest(Wanted(""))) == sorted(made, reverse=True)


def test_a_list_is_no_longer_than_asked_for(store: JobStore, index: JobIndex) -> None:
    for _ in range(5):
        accepted(store)

    assert len(index.newest(Wanted("", limit=3))) == 3


def test_a_list_tells_the_jobs_as_the_store_has_them(store: JobStore, index: JobIndex) -> None:
    job = running(store, metadata={"a": "1"})

    assert index.newest(Wanted("")) == [known(store, job.id)]


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_list_has_the_kind_and_the_status_that_are_wanted(
    store: JobStore, index: JobIndex, kind: str, status: str
) -> None:
    for state in (*STATUSES, "dispatched", "delayed"):
        in_state(store, state)
    upscale = running(store, kind="upscale")
    store.fail(upscale.id, CLAIM)

    jobs = index.newest(Wanted("", kinds=[kind], statuses=[status]))

    assert {(job.kind, job.status) for job in jobs} <= {(kind, status)}
    everything = index.newest(Wanted(""))
    assert len(everything) == 8
    assert ids(jobs) == [job.id for job in everything if (job.kind, job.status) == (kind, status)]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 12])
@pytest.mark.parametrize("moments", [[], [1], [1] * 12, [1, 1, 2, 2, 2, 3, 1, 3], [*range(12)]])
def test_the_pages_of_a_list_are_the_whole_list(
    store: JobStore, index: JobIndex, redis_client: "Redis", moments: list[int], limit: int
) -> None:
    kinds = ["generate", "upscale"]
    made = [
        (moment, made_at(store, redis_client, moment, kind=kinds[number % 2]))
        for number, moment in enumerate(moments)
    ]

    found = all_pages(index, Wanted("", limit=limit))

    assert found == [job_id for _, job_id in sorted(made, reverse=True)]


def test_pages_neither_repeat_nor_leave_out_while_new_jobs_arrive(
    store: JobStore, index: JobIndex
) -> None:
    old = [accepted(store).id for _ in range(9)]
    wanted, found = Wanted("", limit=2), list[str]()

    while page := index.newest(wanted):
        found += ids(page)
        wanted = replace(wanted, after=after(page[-1]))
        accepted(store)

    assert sorted(found) == sorted(old)


def test_pages_neither_repeat_nor_leave_out_while_jobs_change_their_status(
    store: JobStore, index: JobIndex
) -> None:
    made = [accepted(store).id for _ in range(60)]
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            for job_id in made:
                store.claim(job_id, CLAIM, LEASE_MS)
            for job_id in made:
                store.release(job_id, CLAIM, Release())

    worker = threading.Thread(target=work)
    worker.start()
    try:
        seen = [all_pages(index, Wanted("", limit=7)) for _ in range(20)]
    finally:
        over.set()
        worker.join(timeout=10)

    assert all(sorted(found) == sorted(made) for found in seen)


def test_a_list_of_one_status_never_tells_another_while_jobs_change(
    store: JobStore, index: JobIndex
) -> None:
    job = accepted(store)
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            store.claim(job.id, CLAIM, LEASE_MS)
            store.release(job.id, CLAIM, Release())

    worker = threading.Thread(target=work)
    worker.start()
    try:
        told = [
            job.status for _ in range(300) for job in index.newest(Wanted("", statuses=["queued"]))
        ]
    finally:
        over.set()
        worker.join(timeout=10)

    assert set(told) == {"queued"}


def test_a_cursor_behind_a_job_that_has_ended_meanwhile_goes_on(
    store: JobStore, index: JobIndex
) -> None:
    made = [accepted(store).id for _ in range(4)]
    first, *rest = index.newest(Wanted(""))
    store.cancel([first.id])

    assert ids(index.newest(Wanted("", after=after(first)))) == ids(rest)
    assert sorted(made) == sorted([first.id, *ids(rest)])


def test_jobs_come_in_the_order_asked_for_without_those_unknown(
    store: JobStore, index: JobIndex
) -> None:
    first, second = accepted(store), accepted(store)

    assert index.jobs([second.id, "0" * 32, first.id]) == [second, first]
    assert index.jobs([]) == []


def test_a_batch_is_told_with_its_jobs_in_the_order_of_the_request(
    store: JobStore, index: JobIndex
) -> None:
    batch = accepted_batch(store, 5)
    store.cancel([batch.jobs[2]])

    now, jobs = index.whole(batch)

    assert now == index.batch(batch.id) == replace(batch, revision=2, queued=4, canceled=1)
    assert tuple(ids(jobs)) == batch.jobs
    assert [job.status for job in jobs] == ["queued", "queued", "canceled", "queued", "queued"]


def test_the_counts_of_a_batch_are_those_of_its_jobs_at_any_moment(
    store: JobStore, index: JobIndex
) -> None:
    batch = accepted_batch(store, 40)

    def work() -> None:
        for job_id in batch.jobs:
            store.claim(job_id, CLAIM, LEASE_MS)
            store.succeed(job_id)

    worker = threading.Thread(target=work)
    worker.start()
    seen: list[tuple[Batch, list[Job]]] = []
    while worker.is_alive() or not seen:
        seen.append(index.whole(batch))
    worker.join(timeout=10)

    assert len(seen) > 3
    for now, jobs in seen:
        assert now.counts == dict.fromkeys(STATUSES, 0) | Counter(job.status for job in jobs)


def test_a_list_is_one_owners_or_everybodys(store: JobStore, index: JobIndex) -> None:
    made = {owner: accepted(store, owner=owner).id for owner in ("", "alice", "bob")}

    for owner, job_id in made.items():
        assert ids(index.newest(Wanted(owner))) == [job_id]
    assert set(ids(index.newest(Wanted(EVERYBODYS)))) == set(made.values())
    assert len(all_pages(index, Wanted(EVERYBODYS, limit=1))) == 3
    assert index.newest(Wanted("carol")) == []
