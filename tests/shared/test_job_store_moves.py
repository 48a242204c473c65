"""Contract of the job store: every move a job can make, and that no other one changes anything."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared.job_store import JobStore
from shared.moves import Release, Turn
from shared.scripts import PREFIX
from tests.builders import (
    CLAIM,
    LEASE_MS,
    accepted,
    at_once,
    dump,
    in_state,
    known,
    now_ms,
    places,
    running,
)

Move = Callable[[JobStore, str], object]

MOVES: dict[str, Move] = {
    "claim": lambda store, job_id: store.claim(job_id, "c2", LEASE_MS),
    "begin": lambda store, job_id: store.begin_call(job_id, "c2", 1_000) != Turn("stale", 0),
    "release": lambda store, job_id: store.release(job_id, "c2", Release(counter="unknown")),
    "fail": lambda store, job_id: store.fail(job_id, "c2", error="no"),
    "fail unclaimed": lambda store, job_id: store.fail(job_id, "", error="no"),
    "succeed": lambda store, job_id: store.succeed(job_id, credits=1),
    "renew": lambda store, job_id: store.renew({job_id: "c2"}, LEASE_MS) == [],
}
STATES = ("missing", "queued", "delayed", "dispatched", "running", "succeeded", "failed")
POSSIBLE = {
    "claim": {"queued": "running", "dispatched": "running"},
    "fail unclaimed": dict.fromkeys(("queued", "delayed", "dispatched"), "failed"),
    "succeed": dict.fromkeys(("queued", "delayed", "dispatched", "running"), "succeeded"),
}
IMPOSSIBLE = [(m, state) for m in MOVES for state in STATES if state not in POSSIBLE.get(m, {})]


@pytest.mark.parametrize(("move", "state"), IMPOSSIBLE)
def test_an_impossible_move_is_refused_and_changes_nothing(
    store: JobStore, redis_client: "Redis", move: str, state: str
) -> None:
    job_id = in_state(store, state)
    before = dump(redis_client)

    granted = MOVES[move](store, job_id)

    assert not granted
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("move", "state", "end"),
    [(move, state, end) for move in POSSIBLE for state, end in POSSIBLE[move].items()],
)
def test_a_possible_move_is_made_with_the_next_revision(
    store: JobStore, redis_client: "Redis", move: str, state: str, end: str
) -> None:
    before = known(store, in_state(store, state))

    granted = MOVES[move](store, before.id)

    after = known(store, before.id)
    assert granted
    assert (after.status, after.revision) == (end, before.revision + 1)
    assert places(redis_client, before.id) == (["running"] if end == "running" else [])


def test_each_change_publishes_one_event(store: JobStore, redis_client: "Redis") -> None:
    with redis_client.pubsub() as channel:  # type: ignore[no-untyped-call]
        channel.subscribe(f"{PREFIX}events")
        assert channel.get_message(timeout=5)["type"] == "subscribe"

        job = running(store)
        store.begin_call(job.id, CLAIM, 1_000)
        store.release(job.id, CLAIM, Release())
        store.claim(job.id, CLAIM, LEASE_MS)
        store.succeed(job.id)
        heard = [channel.get_message(timeout=5)["data"] for _ in range(5)]

    changes = ["1 queued", "2 running", "3 queued", "4 running", "5 succeeded"]
    assert heard == [f"{job.id} {change}" for change in changes]


def test_of_fifty_claims_one_is_granted(store: JobStore) -> None:
    job = accepted(store)

    answers = at_once(lambda n: store.claim(job.id, f"c{n}", LEASE_MS), range(50))

    granted = [answer for answer in answers if answer]
    assert [answer.claim for answer in granted] == [known(store, job.id).claim]
    assert known(store, job.id).revision == 2


def test_the_same_claim_is_granted_again(store: JobStore, redis_client: "Redis") -> None:
    first = running(store)
    before = dump(redis_client)

    again = store.claim(first.id, CLAIM, LEASE_MS)

    assert again == first
    assert dump(redis_client) == before


def test_a_claim_starts_the_job_with_a_lease_and_no_deadline(
    store: JobStore, redis_client: "Redis"
) -> None:
    before = now_ms(redis_client)

    job = running(store)

    lease = redis_client.zscore(f"{PREFIX}running", job.id)
    assert lease is not None
    assert before + LEASE_MS <= lease <= now_ms(redis_client) + LEASE_MS
    assert job.started is not None
    assert redis_client.zscore(f"{PREFIX}deadlines", job.id) is None


def test_a_job_past_its_deadline_is_not_to_be_had(store: JobStore, redis_client: "Redis") -> None:
    job = accepted(store)
    redis_client.hset(f"{PREFIX}job:{job.id}", "deadline", job.created)
    before = dump(redis_client)

    assert store.claim(job.id, CLAIM, LEASE_MS) is None
    assert dump(redis_client) == before


def test_a_job_keeps_its_first_start_over_all_its_tries(store: JobStore) -> None:
    job = running(store)
    store.release(job.id, CLAIM, Release())

    again = store.claim(job.id, "c2", LEASE_MS)

    assert again is not None
    assert (again.started, again.claim) == (job.started, "c2")


def test_a_job_that_comes_back_takes_its_old_place(store: JobStore, redis_client: "Redis") -> None:
    job = running(store)

    store.release(job.id, CLAIM, Release())

    assert places(redis_client, job.id) == ["queued"]
    assert redis_client.zscore(f"{PREFIX}queued", job.id) == job.created
    assert redis_client.zscore(f"{PREFIX}deadlines", job.id) == job.deadline


def test_a_job_that_comes_back_for_later_waits_apart(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = running(store)
    before = now_ms(redis_client)

    store.release(job.id, CLAIM, Release(pause_ms=5_000))

    ready = redis_client.zscore(f"{PREFIX}delayed", job.id)
    assert places(redis_client, job.id) == ["delayed"]
    assert ready is not None
    assert before + 5_000 <= ready <= now_ms(redis_client) + 5_000


@pytest.mark.parametrize(
    ("why", "counts"),
    [
        (Release(), {"attempts": 1}),
        (Release(counter="unknown", trouble="outcome_unknown"), {"attempts": 1, "unknown": 1}),
        (Release(counter="unreached", take_back_attempt=True), {"attempts": 0, "unreached": 1}),
    ],
)
def test_a_release_counts_what_it_is_told(
    store: JobStore, why: Release, counts: dict[str, int]
) -> None:
    job = running(store)
    store.begin_call(job.id, CLAIM, 1_000)

    store.release(job.id, CLAIM, why)

    after = known(store, job.id)
    changes: dict[str, Any] = {"unknown": 0, "unreached": 0, **counts}
    expected = replace(job, status="queued", revision=3, claim="", trouble=why.trouble or None)
    assert after == replace(expected, **changes)


def test_a_success_stores_its_result_and_leaves_no_trace_of_the_run(store: JobStore) -> None:
    job = running(store)
    store.begin_call(job.id, CLAIM, 1_000)

    store.succeed(job.id, credits=3_000, result={"width": 64}, provider_ms=7)

    after = known(store, job.id)
    assert (after.credits, after.result, after.provider_ms) == (3_000, {"width": 64}, 7)
    assert (after.claim, after.sent, after.slot, after.trouble) == ("", None, None, None)
    assert after.finished is not None
    assert after.terminal


def test_a_failure_stores_its_code_and_its_words(store: JobStore) -> None:
    job = running(store)

    store.fail(job.id, CLAIM, error_code="provider_error", error="No.", credits=0)

    after = known(store, job.id)
    assert (after.status, after.error_code, after.error) == ("failed", "provider_error", "No.")
    assert after.credits == 0


def test_an_image_of_an_earlier_attempt_finishes_a_job_that_waits(
    store: JobStore, redis_client: "Redis"
) -> None:
    job = running(store)
    store.release(job.id, CLAIM, Release(pause_ms=9_000, counter="unknown"))

    assert store.succeed(job.id, credits=3_000)
    assert places(redis_client, job.id) == []
    assert redis_client.zcard(f"{PREFIX}deadlines") == 0


def test_a_renewal_prolongs_ours_and_names_the_lost(store: JobStore, redis_client: "Redis") -> None:
    ours, lost = running(store), running(store)
    redis_client.zadd(f"{PREFIX}running", {ours.id: 1, lost.id: 1})

    answer = store.renew({ours.id: CLAIM, lost.id: "other"}, LEASE_MS)

    lease = redis_client.zscore(f"{PREFIX}running", ours.id)
    assert answer == [lost.id]
    assert lease is not None
    assert lease > now_ms(redis_client)
    assert redis_client.zscore(f"{PREFIX}running", lost.id) == 1


def test_a_call_that_reached_the_provider_begins_the_growing_pauses_anew(store: JobStore) -> None:
    job = running(store)
    store.release(job.id, CLAIM, Release(counter="unreached", trouble="provider_unavailable"))
    store.claim(job.id, CLAIM, LEASE_MS)
    assert known(store, job.id).unreached == 1

    store.release(job.id, CLAIM, Release(trouble="provider_error"))

    assert known(store, job.id).unreached == 0
