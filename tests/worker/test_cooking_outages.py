"""What is begun and paid for survives the loss of a worker or of the store, and is begun once."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from shared.errors import OutputModerated, ProviderUnavailable
from shared.jobs import Job
from shared.moves import Release
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import LEASE_MS, PROVIDER_ID, due, known, places
from tests.fakes import FlakyStore, ScriptedProvider
from tests.worker.bench import after_a_run, ripen, workshop
from tests.worker.kitchen import LARGE, cooking, creative, ripe
from worker.make_image import make_image
from worker.sweep import sweep
from worker.workshop import POLL_MS


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.leases._AGAIN_SECONDS", 0)


@pytest.mark.parametrize("acts_first", [True, False])
def test_a_store_that_is_away_at_the_answer_is_told_the_id_when_it_is_back(
    services: Services, redis_client: "Redis", acts_first: bool
) -> None:
    provider = ScriptedProvider(PROVIDER_ID)
    store = FlakyStore(services.store, acts_first, park=3)

    job = after_a_run(services, creative(services), provider, store=store)

    assert (job.provider_id, places(redis_client, job.id)) == (PROVIDER_ID, ["parked"])
    assert len(provider.calls) == 1


def test_it_is_told_for_longer_than_anything_else(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.leases._REMEMBER_SECONDS", 0)
    store = FlakyStore(services.store, acts_first=False, park=50)

    job = after_a_run(services, creative(services), ScriptedProvider(PROVIDER_ID), store=store)

    assert job.provider_id == PROVIDER_ID


def test_an_id_that_dies_with_its_worker_leaves_the_outcome_unknown(
    services: Services,
    redis_client: "Redis",
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("worker.cooking._KEPT_SECONDS", 0.05)
    job, provider = creative(services), ScriptedProvider(PROVIDER_ID)
    store = FlakyStore(services.store, acts_first=False, park=1_000_000)
    make_image(job.id, workshop(services, provider, store=store))
    redis_client.zadd(f"{PREFIX}running", {job.id: 1})

    sweep(services)

    after = known(services.store, job.id)
    assert (after.status, after.error_code, after.credits) == ("failed", "outcome_unknown", None)
    assert len(provider.calls) == 1
    (told,) = [r for r in caplog.records if r.getMessage() == "what was begun could not be stored"]
    assert told.__dict__["provider_id"] == PROVIDER_ID


@pytest.mark.parametrize("method", ["begin_call", "release", "succeed"])
@pytest.mark.parametrize("acts_first", [True, False])
def test_a_store_that_is_away_while_it_is_asked_for_forgets_nothing(
    services: Services, redis_client: "Redis", method: str, acts_first: bool
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(None, LARGE)
    store = FlakyStore(services.store, acts_first, **{method: 3})

    after = after_a_run(services, job, provider, store=store)
    done = after_a_run(services, ripe(services, redis_client, job), provider, store=store)

    assert after == job
    assert (done.status, done.attempts, len(provider.polls)) == ("succeeded", 1, 2)


def lost(services: Services, redis: "Redis", job: Job) -> None:
    """Let the worker that asks for a result be lost, and be missed."""
    assert services.store.claim(job.id, "lost", LEASE_MS)
    assert services.store.begin_call(job.id, "lost", 1_000).word == "go"
    redis.zadd(f"{PREFIX}running", {job.id: 1})
    sweep(services)


def test_a_worker_that_is_lost_while_it_asks_is_replaced(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(LARGE)

    lost(services, redis_client, job)

    assert known(services.store, job.id) == job
    assert places(redis_client, job.id) == ["parked"]
    assert POLL_MS - 1_000 < due(redis_client, job.id) <= POLL_MS
    done = after_a_run(services, ripe(services, redis_client, job), provider)
    assert (done.status, done.credits, provider.calls) == ("succeeded", 60_000, [])


def test_a_worker_that_is_lost_after_it_wrote_the_picture_ends_nothing_twice(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    services.images.put(job.image, LARGE.data)

    lost(services, redis_client, job)

    after = known(services.store, job.id)
    assert (after.status, after.credits) == ("succeeded", 60_000)


def test_a_frozen_worker_that_asked_too_is_heard_when_it_brings_the_picture(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)

    def late() -> Any:
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})
        sweep(services)
        return LARGE

    done = after_a_run(services, job, ScriptedProvider(late))

    assert (done.status, done.credits) == ("succeeded", 60_000)


@pytest.mark.parametrize("late", [None, ProviderUnavailable("away"), OutputModerated("no")])
def test_a_frozen_worker_that_brings_anything_else_changes_nothing(
    services: Services, redis_client: "Redis", late: Any
) -> None:
    job = cooking(services, redis_client)

    def after_the_sweep() -> Any:
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})
        sweep(services)
        if isinstance(late, Exception):
            raise late
        return late

    after = after_a_run(services, job, ScriptedProvider(after_the_sweep))

    assert after == job
    assert places(redis_client, job.id) == ["parked"]


def test_an_id_that_comes_after_the_job_was_queued_again_saves_the_second_start(
    services: Services, redis_client: "Redis"
) -> None:
    # cheap enough to be repeated when its outcome is unknown
    job = creative(services, estimate=2_000)

    def late() -> str:
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})
        sweep(services)
        assert known(services.store, job.id).status == "queued"
        return PROVIDER_ID

    provider = ScriptedProvider(late, LARGE)
    parked = after_a_run(services, job, provider)
    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert (parked.status, parked.provider_id) == ("running", PROVIDER_ID)
    assert (done.status, len(provider.calls)) == ("succeeded", 1)


def test_of_two_starts_that_both_brought_an_id_the_first_is_asked_for(
    services: Services, redis_client: "Redis"
) -> None:
    job = creative(services, estimate=2_000)
    second = ScriptedProvider("second")

    def late() -> str:
        redis_client.zadd(f"{PREFIX}running", {job.id: 1})
        sweep(services)
        ripen(services, redis_client, job)
        after_a_run(services, job, second)
        return PROVIDER_ID

    after = after_a_run(services, job, ScriptedProvider(late))

    assert (after.provider_id, after.attempts, after.unknown) == ("second", 2, 1)
    assert places(redis_client, job.id) == ["parked"]


def test_a_job_that_is_canceled_before_the_id_is_known_tells_what_it_cost(
    services: Services, redis_client: "Redis"
) -> None:
    job = creative(services)

    def canceled() -> str:
        assert services.store.cancel([job.id]) == 1
        assert known(services.store, job.id).credits is None
        return PROVIDER_ID

    after = after_a_run(services, job, ScriptedProvider(canceled))

    assert (after.status, after.credits) == ("canceled", 60_000)
    assert places(redis_client, job.id) == []


def test_a_job_that_is_canceled_while_it_cooks_is_not_asked_for(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    services.store.cancel([job.id])

    after = after_a_run(services, job, provider)

    assert (after.status, after.credits, provider.polls) == ("canceled", 60_000, [])


@pytest.mark.parametrize("brings", [lambda: LARGE, lambda: None])
def test_what_is_brought_for_a_job_that_was_canceled_meanwhile_is_dropped(
    services: Services, redis_client: "Redis", brings: Callable[[], Any]
) -> None:
    job = cooking(services, redis_client)

    def canceled() -> Any:
        services.store.cancel([job.id])
        return brings()

    after = after_a_run(services, job, ScriptedProvider(canceled))

    assert (after.status, after.credits, after.result) == ("canceled", 60_000, None)
    assert services.images.find(job.image) is None
    assert places(redis_client, job.id) == []


def test_a_message_that_got_lost_is_sent_again(services: Services, redis_client: "Redis") -> None:
    job = cooking(services, redis_client)
    redis_client.zadd(f"{PREFIX}resuming", {job.id: 1})

    sweep(services)

    assert services.store.dispatch() == [job.id]
    assert known(services.store, job.id) == job


def test_a_job_that_waits_to_be_asked_for_is_never_overdue(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    redis_client.zadd(f"{PREFIX}deadlines", {job.id: 1})

    sweep(services)

    assert known(services.store, job.id) == job


def test_what_was_begun_is_never_queued_again(services: Services, redis_client: "Redis") -> None:
    job = cooking(services, redis_client)
    claimed = services.store.claim(job.id, "c1", LEASE_MS)
    assert claimed

    assert services.store.release(job.id, "c1", Release())

    assert known(services.store, job.id).status == "running"
    assert places(redis_client, job.id) == ["parked"]
