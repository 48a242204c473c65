"""Contract of the job store: taking jobs in, and finding them."""

from collections.abc import Callable

import pytest
from redis import Redis

from shared.errors import KeyReused, StoreUnavailable
from shared.job_index import JobIndex, Wanted
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Accepted, Pace, Replay
from shared.over_limit import QueueFull
from shared.scripts import PREFIX
from shared.services import connect
from tests.builders import (
    CLAIM,
    LEASE_MS,
    a_batch,
    a_job,
    accepted,
    at_once,
    dump,
    fits,
    in_state,
    known,
    now_ms,
    places,
)


def test_an_accepted_job_is_queued_as_given(store: JobStore, redis_client: "Redis") -> None:
    job = a_job(metadata={"chat": "7"}, request_id="r1")

    taken = store.accept(job, 10)

    stored = taken.job
    assert (stored.id, stored.status, stored.revision) == (job.id, "queued", 1)
    assert (stored.request, stored.metadata) == (job.request, {"chat": "7"})
    assert (stored.image, stored.estimate, stored.request_id) == (job.image, 3_000, "r1")
    assert places(redis_client, job.id) == ["queued"]


@pytest.mark.parametrize("metadata", [None, {}, {"chat": "7"}])
def test_what_is_told_of_an_accepted_job_is_what_is_stored(
    store: JobStore, metadata: dict[str, str] | None
) -> None:
    job = a_job(metadata=metadata, owner="alice", input="a.png", webhook="http://hooks.test/")
    batch, jobs = a_batch(2, metadata=metadata, owner="alice")

    taken, taken_batch = store.accept(job, 10), store.accept_batch(batch, jobs, 10)

    assert taken.job == known(store, job.id)
    assert list(taken_batch.jobs) == [known(store, each.id) for each in jobs]


def test_times_are_by_the_clock_of_the_store(store: JobStore, redis_client: "Redis") -> None:
    before = now_ms(redis_client)

    job = accepted(store, created=5, deadline=60_000)

    assert before <= job.created <= now_ms(redis_client)
    assert job.deadline == job.created + 60_000
    assert redis_client.zscore(f"{PREFIX}deadlines", job.id) == job.deadline


def test_the_record_carries_its_schema_version(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)

    assert redis_client.hget(f"{PREFIX}job:{job.id}", "schema") == "1"


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched", "running", "succeeded"])
def test_the_same_id_again_changes_nothing(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    again = store.accept(a_job(id=job_id), 10)

    assert again == Accepted(known(store, job_id), replayed=False)
    assert dump(redis_client) == before


def test_fifty_callers_of_one_id_make_one_job(store: JobStore, redis_client: "Redis") -> None:
    job = a_job()

    answers = at_once(lambda _: store.accept(job, 10), range(50))

    assert {answer.job.id for answer in answers} == {job.id}
    assert redis_client.zcard(f"{PREFIX}queued") == 1


@pytest.mark.parametrize("state", ["queued", "delayed", "dispatched"])
def test_a_full_queue_is_refused_and_nothing_is_stored(
    store: JobStore, redis_client: "Redis", state: str
) -> None:
    in_state(store, state)
    before = dump(redis_client)

    with pytest.raises(QueueFull):
        store.accept(a_job(), 1)

    assert dump(redis_client) == before


@pytest.mark.parametrize("state", ["running", "succeeded", "failed"])
def test_what_waits_no_more_fills_no_queue(store: JobStore, state: str) -> None:
    in_state(store, state)

    assert fits(lambda: store.accept(a_job(), 1))


def test_a_job_of_a_full_queue_is_still_known_by_its_id(store: JobStore) -> None:
    job = accepted(store)

    again = store.accept(job, 1)

    assert again == Accepted(job, replayed=False)


def test_a_full_queue_takes_exactly_as_many_as_it_may(store: JobStore) -> None:
    taken = at_once(lambda _: fits(lambda: store.accept(a_job(), 20)), range(50))

    assert sum(taken) == 20


def test_a_job_is_found_by_its_id_and_by_its_image(store: JobStore) -> None:
    job = accepted(store)

    assert store.get(job.id) == job
    assert store.find_by_image(job.image) == job


def test_an_unknown_job_is_not_found(store: JobStore) -> None:
    assert store.get("0" * 32) is None
    assert store.find_by_image("a" * 22 + ".png") is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: store.accept(a_job(), 1),
        lambda store: store.get("0" * 32),
        lambda store: store.cancel(["0" * 32]),
    ],
)
def test_a_store_that_is_away_says_so(ask: Callable[[JobStore], object]) -> None:
    store = JobStore(connect("redis://127.0.0.1:1/0"), Pace(1))

    with pytest.raises(StoreUnavailable, match="does not answer"):
        ask(store)


@pytest.mark.parametrize(
    "ask",
    [
        lambda index: len(index.worker_slots()),
        lambda index: index.paused_ms(),
        lambda index: index.jobs(["0" * 32]),
        lambda index: index.newest(Wanted("")),
        lambda index: index.batch("0" * 32),
        lambda index: index.let_go("a", "b"),
    ],
)
def test_an_index_that_is_away_says_so(ask: Callable[[JobIndex], object]) -> None:
    index = JobIndex(connect("redis://127.0.0.1:1/0"), Pace(1))

    with pytest.raises(StoreUnavailable, match="does not answer"):
        ask(index)


def test_a_replay_is_found_before_it_is_accepted_and_changes_nothing(
    store: JobStore, redis_client: "Redis"
) -> None:
    replay = Replay("k", "asked")
    assert store.find_replay(replay) is None
    job = accepted_under(store, replay)
    assert store.claim(job.id, CLAIM, LEASE_MS)
    before = dump(redis_client)

    assert store.find_replay(replay) == job.id
    assert store.find_replay(Replay("other", "asked")) is None
    with pytest.raises(KeyReused):
        store.find_replay(Replay("k", "something else"))
    assert dump(redis_client) == before


def accepted_under(store: JobStore, replay: Replay) -> Job:
    """Return a job that was accepted with a key."""
    taken = store.accept(a_job(), 10, replay)
    return taken.job


def test_what_is_accepted_starts_in_the_same_step_when_a_worker_is_free(
    store: JobStore, redis_client: "Redis"
) -> None:
    store.heartbeat("w", 1, 60_000)

    first = store.accept(a_job(), 10, start=True)
    second = store.accept(a_job(), 10, start=True)

    assert (first.started, second.started) == ((first.job.id,), ())
    assert places(redis_client, first.job.id) == ["dispatched"]
    assert places(redis_client, second.job.id) == ["queued"]


# stands behind whatever was accepted in the same ms, too
LAST = "f" * 32


def test_what_waited_before_it_starts_first(store: JobStore) -> None:
    waited = accepted(store)
    store.heartbeat("w", 1, 60_000)

    assert store.accept(a_job(id=LAST), 10, start=True).started == (waited.id,)


def test_the_same_id_again_starts_what_is_still_to_be_started(store: JobStore) -> None:
    job = accepted(store)  # by a caller who never heard the answer
    store.heartbeat("w", 1, 60_000)

    assert store.accept(job, 10, start=True).started == (job.id,)


def test_what_started_without_an_answer_is_told_to_its_sender_again(store: JobStore) -> None:
    store.heartbeat("w", 9, 60_000)
    job, (batch, jobs) = a_job(), a_batch(2)
    store.accept(job, 10, start=True)
    store.accept_batch(batch, jobs, 10, start=True)

    again = store.accept(job, 10, start=True)
    again_batch = store.accept_batch(batch, jobs, 10, start=True)

    assert again.started == (job.id,)
    assert set(again_batch.started) == {each.id for each in jobs}
    assert {each.status for each in again_batch.jobs} == {again_batch.batch.status} == {"queued"}


def test_what_comes_again_too_late_starts_nothing(
    store: JobStore, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    job = accepted(store)
    store.heartbeat("w", 9, 60_000)
    monkeypatch.setattr("shared.acceptance.PATIENCE_MS", -60_000)  # it stood in a socket meanwhile

    again = store.accept(job, 10, start=True)

    assert again.started == ()
    assert places(redis_client, job.id) == ["queued"]


def test_a_key_that_comes_again_starts_nothing(store: JobStore) -> None:
    replay = Replay("k", "asked")
    store.accept(a_job(), 10, replay)
    store.heartbeat("w", 1, 60_000)

    again = store.accept(a_job(), 10, replay, start=True)

    assert (again.replayed, again.started) == (True, ())


def test_where_it_stands_is_told_as_it_would_be_if_asked(store: JobStore, index: JobIndex) -> None:
    accepted(store)

    taken = store.accept(a_job(id=LAST), 10, start=True, place=True)

    assert taken.outlook == index.outlook(taken.job)
    assert taken.outlook.position == 2
    assert store.accept(a_job(), 10, start=True).outlook is None


def test_jobs_of_a_batch_start_in_the_same_step(store: JobStore) -> None:
    store.heartbeat("w", 2, 60_000)
    batch, jobs = a_batch(3)

    taken = store.accept_batch(batch, jobs, 10, start=True)

    assert len(taken.started) == 2
    assert set(taken.started) <= {job.id for job in jobs}
