"""Where a queued job stands and when its image is expected: what is known, and nothing invented."""

import pytest
from redis import Redis

from shared.job_index import JobIndex
from shared.job_store import JobStore
from shared.moves import Depth, Outlook, Pace, Release
from shared.scripts import PREFIX
from tests.builders import CLAIM, a_job, accepted, accepted_batch, in_state, known, running


def usual(redis: "Redis", ms: int, variant: str = "core") -> None:
    """Let calls have taken so long lately."""
    redis.set(f"{PREFIX}recent:{variant}", ms)


def test_a_queued_job_has_the_place_behind_those_that_go_first(
    store: JobStore, index: JobIndex
) -> None:
    in_state(store, "dispatched")
    in_state(store, "running")
    batch = accepted_batch(store, 3)

    places = [index.outlook(known(store, job_id)).position for job_id in batch.jobs]

    assert places == [2, 3, 4]


def test_a_dispatched_job_has_a_place_too(store: JobStore, index: JobIndex) -> None:
    job_id = in_state(store, "dispatched")

    assert index.outlook(known(store, job_id)).position == 1


@pytest.mark.parametrize("state", ["delayed", "running", "succeeded", "failed", "canceled"])
def test_what_does_not_stand_in_the_queue_has_no_place_and_no_eta(
    store: JobStore, index: JobIndex, redis_client: "Redis", state: str
) -> None:
    usual(redis_client, 4_000)
    store.heartbeat("w", 9, 60_000)

    assert index.outlook(known(store, in_state(store, state))) == Outlook()


def test_a_job_that_left_the_queue_meanwhile_has_no_place(store: JobStore, index: JobIndex) -> None:
    job = accepted(store)
    store.cancel([job.id])

    assert index.outlook(job) == Outlook()
    assert index.outlook(a_job()) == Outlook()


def test_an_eta_is_told_from_what_such_calls_took_lately(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    usual(redis_client, 4_000)
    store.heartbeat("w", 9, 60_000)
    job = accepted(store)

    eta = index.outlook(job).eta_ms

    assert eta is not None
    assert 4_000 <= eta <= 4_100


@pytest.mark.parametrize("missing", ["calls", "calls like it", "workers"])
def test_what_nobody_knows_is_not_invented(
    store: JobStore, index: JobIndex, redis_client: "Redis", missing: str
) -> None:
    if missing != "calls":
        usual(redis_client, 4_000, "ultra" if missing == "calls like it" else "core")
    if missing != "workers":
        store.heartbeat("w", 9, 60_000)

    assert index.outlook(accepted(store)) == Outlook(position=1, eta_ms=None)


def test_a_job_whose_latest_try_failed_has_a_place_and_no_eta(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    usual(redis_client, 4_000)
    store.heartbeat("w", 9, 60_000)
    job = running(store)
    store.release(job.id, CLAIM, Release(trouble="provider_unavailable"))

    assert index.outlook(known(store, job.id)) == Outlook(position=1, eta_ms=None)


def test_an_eta_counts_the_turns_of_those_ahead_and_the_pause_of_all(
    store: JobStore, index: JobIndex, redis_client: "Redis"
) -> None:
    usual(redis_client, 4_000)
    store.heartbeat("w", 2, 60_000)
    batch = accepted_batch(store, 6)
    fifth = known(store, batch.jobs[4])

    turns = index.outlook(fifth).eta_ms or 0
    store.pause(60_000)
    paused = index.outlook(fifth).eta_ms or 0

    assert 9_900 <= turns <= 10_200  # three turns are to come of two at a time, then its own
    assert 63_500 <= paused <= 64_100


def test_an_eta_counts_the_slots_of_those_ahead(store: JobStore, redis_client: "Redis") -> None:
    usual(redis_client, 4_000)
    store.heartbeat("w", 100, 60_000)
    batch = accepted_batch(store, 6)

    eta = JobIndex(redis_client, Pace(1_000)).outlook(known(store, batch.jobs[5])).eta_ms

    assert eta is not None
    assert 8_900 <= eta <= 9_100


def test_what_calls_took_lately_is_learnt_from_those_that_end_and_forgotten_in_an_hour(
    store: JobStore, redis_client: "Redis"
) -> None:
    store.succeed(running(store).id, provider_ms=1_000)
    store.succeed(running(store).id, provider_ms=2_000)
    store.succeed(running(store).id)

    assert redis_client.get(f"{PREFIX}recent:core") == "1200"
    assert 3_590_000 < redis_client.pttl(f"{PREFIX}recent:core") <= 3_600_000


def test_the_depth_counts_all_that_waits_and_all_that_runs(
    store: JobStore, index: JobIndex
) -> None:
    for state in ("queued", "delayed", "dispatched", "running", "running", "failed"):
        in_state(store, state)

    assert index.depth() == Depth(waiting=3, running=2)
