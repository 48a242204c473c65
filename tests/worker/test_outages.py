"""What is known about a paid call survives a store that is away, and a second attempt."""

import time
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared.errors import OutcomeUnknown, OutputModerated
from shared.job_store import JobStore
from shared.moves import Pace, Turn
from shared.services import Services
from tests.builders import CLAIM, LEASE_MS, accepted, known, now_ms, orphan
from tests.fakes import FlakyStore, ScriptedProvider
from tests.pictures import picture
from tests.worker.bench import IMAGE, PICTURE, after_a_run, upscale, workshop
from worker.make_image import make_image
from worker.sweep import sweep
from worker.wire import ProviderImage

FILTERED = OutputModerated("withheld")


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.leases._AGAIN_SECONDS", 0)


@pytest.mark.parametrize("acts_first", [True, False])
@pytest.mark.parametrize(
    ("method", "answer", "status"),
    [
        ("succeed", IMAGE, "succeeded"),
        ("fail", FILTERED, "failed"),
        ("release", OutcomeUnknown("broke off"), "queued"),
        ("begin_call", IMAGE, "succeeded"),
    ],
)
def test_a_store_that_is_away_for_a_moment_forgets_nothing(
    services: Services, acts_first: bool, method: str, answer: Any, status: str
) -> None:
    job, provider = accepted(services.store), ScriptedProvider(answer)
    store = FlakyStore(services.store, acts_first, **{method: 3})

    ended = after_a_run(services, job, provider, store=store)

    assert (ended.status, ended.attempts, len(provider.calls)) == (status, 1, 1)


@pytest.mark.parametrize("acts_first", [True, False])
def test_a_turn_that_nobody_heard_of_in_time_is_not_taken_for_a_call(
    services: Services, monkeypatch: pytest.MonkeyPatch, acts_first: bool
) -> None:
    monkeypatch.setattr("worker.leases.LEASE_MS", 50)
    store = FlakyStore(services.store, acts_first, begin_call=1_000_000)
    provider, job = ScriptedProvider(IMAGE), accepted(services.store, estimate=40_000)

    after = after_a_run(services, job, provider, store=store)

    assert provider.calls == []
    assert (after.status, after.attempts, after.unknown, after.sent) == ("queued", 0, 0, None)


def test_a_store_that_stays_away_is_left_to_the_sweeper(services: Services) -> None:
    job, provider = accepted(services.store), ScriptedProvider(FILTERED)
    store = FlakyStore(services.store, acts_first=False, fail=1_000_000)
    shop = workshop(services, provider, store=store)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("worker.leases._REMEMBER_SECONDS", 0.05)
        make_image(job.id, shop)

    assert known(services.store, job.id).status == "running"


def test_a_first_image_is_never_replaced_by_a_later_attempt(services: Services) -> None:
    job = accepted(services.store)
    first, second = PICTURE, picture(mode="L")

    def overtaken() -> ProviderImage:
        services.images.put(job.image, first)
        return replace(IMAGE, data=second)

    ended = after_a_run(services, job, ScriptedProvider(overtaken))

    path = services.images.find(job.image)
    assert path
    assert path.read_bytes() == first
    assert ended.result
    assert (ended.status, ended.result["bytes"]) == ("succeeded", len(first))


def test_an_image_that_comes_after_its_job_has_failed_is_dropped(services: Services) -> None:
    job = accepted(services.store)

    def too_late() -> ProviderImage:
        claim = known(services.store, job.id).claim
        services.store.fail(job.id, claim, error_code="outcome_unknown", error="lost")
        return IMAGE

    ended = after_a_run(services, job, ScriptedProvider(too_late))

    assert ended.status == "failed"
    assert services.images.find(job.image) is None


def test_nothing_was_charged_is_not_said_after_a_call_of_unknown_outcome(
    services: Services, redis_client: "Redis"
) -> None:
    job = accepted(services.store, deadline=1)
    redis_client.hset(f"images:job:{job.id}", "unknown", 1)

    sweep(services)

    ended = known(services.store, job.id)
    assert (ended.error_code, ended.credits) == ("deadline_passed", None)


def test_a_defect_after_the_call_does_not_say_that_nothing_was_charged(services: Services) -> None:
    job = accepted(services.store)

    ended = after_a_run(services, job, ScriptedProvider(ZeroDivisionError()))

    assert (ended.error_code, ended.credits) == ("internal", None)


def test_a_defect_before_the_call_cost_nothing(services: Services) -> None:
    job = upscale(services)
    services.images.delete_input(job.input)

    ended = after_a_run(services, job, ScriptedProvider())

    assert (ended.error_code, ended.credits) == ("internal", 0)


def test_one_record_that_cannot_be_read_does_not_keep_the_sweeper_from_the_others(
    services: Services, redis_client: "Redis"
) -> None:
    jobs = [orphan(services.store, redis_client, sent=False) for _ in range(3)]
    redis_client.hset(f"images:job:{jobs[0].id}", "attempts", "many")

    sweep(services)

    assert [known(services.store, job.id).status for job in jobs[1:]] == ["queued", "queued"]


def test_a_record_of_a_newer_version_can_be_read(services: Services, redis_client: "Redis") -> None:
    job = accepted(services.store)
    redis_client.hset(f"images:job:{job.id}", "of_tomorrow", "1")

    assert known(services.store, job.id) == job


@pytest.mark.parametrize("hours", [1, 100])
def test_a_clock_that_went_back_stops_nothing(
    services: Services, redis_client: "Redis", hours: int
) -> None:
    store, ahead = services.store, hours * 3_600_000
    waiting, running = accepted(store), accepted(store)
    store.claim(running.id, CLAIM, LEASE_MS)
    future = running.created + ahead + 3_700_000
    redis_client.mset({"images:pace:next": future, "images:pace:paused_until": future})
    redis_client.zrem("images:queued", waiting.id)
    redis_client.zadd("images:delayed", {waiting.id: future})
    redis_client.zadd("images:running", {running.id: future})
    store.heartbeat("w", 10, 60_000)

    dispatched = store.dispatch()
    sweep(services)

    assert dispatched == [waiting.id]
    assert store.begin_call(running.id, CLAIM, 3_000) == Turn("go", 0)
    assert (redis_client.zscore("images:running", running.id) or 0) < future


def test_a_rate_of_one_call_an_hour_is_no_clock_that_went_back(redis_client: "Redis") -> None:
    store = JobStore(redis_client, Pace(3_600_000))
    first, second = accepted(store), accepted(store)
    for job in (first, second):
        store.claim(job.id, CLAIM, LEASE_MS)

    assert store.begin_call(first.id, CLAIM, 3_000).word == "go"
    assert store.begin_call(second.id, CLAIM, 3_000).word == "later"


def test_no_call_is_started_while_storage_is_in_trouble(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    job, provider = accepted(services.store), ScriptedProvider()
    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)

    waiting = after_a_run(services, job, provider)

    assert (waiting.status, waiting.trouble, waiting.attempts) == ("queued", None, 0)
    assert provider.calls == []
    assert redis_client.zscore("images:delayed", job.id)


def test_leases_that_nobody_could_renew_are_not_taken_for_dead_workers(
    services: Services, redis_client: "Redis"
) -> None:
    sweep(services)
    healthy = orphan(services.store, redis_client, sent=True)
    redis_client.zadd("images:running", {healthy.id: now_ms(redis_client) - 15_000})
    redis_client.decrby("images:sweep:last", 40_000)  # as long as the store was away

    sweep(services)

    job = known(services.store, healthy.id)
    assert (job.status, job.claim) == ("running", CLAIM)
    assert services.store.renew({job.id: CLAIM}, LEASE_MS) == []


def test_a_lease_with_a_moment_left_is_refreshed_after_an_outage_too(
    services: Services, redis_client: "Redis"
) -> None:
    sweep(services)
    job = orphan(services.store, redis_client, sent=True)
    soon = (time.time() + 1) * 1000
    redis_client.zadd("images:running", {job.id: soon})
    redis_client.decrby("images:sweep:last", 25_000)

    sweep(services)

    assert (redis_client.zscore("images:running", job.id) or 0) > soon + 20_000


def test_outages_that_come_again_and_again_do_not_keep_a_dead_workers_job_for_ever(
    services: Services, redis_client: "Redis"
) -> None:
    def passes(ms: int) -> None:
        redis_client.decrby("images:sweep:last", ms)
        redis_client.zincrby("images:running", -ms, job.id)

    sweep(services)
    job = orphan(services.store, redis_client, sent=False)
    redis_client.zadd("images:running", {job.id: now_ms(redis_client) + LEASE_MS})
    swept = 0
    while known(services.store, job.id).status == "running" and swept < 60:
        passes(6_000)  # nobody sweeps
        sweep(services)
        passes(1_000)
        sweep(services)
        swept += 1

    assert known(services.store, job.id).status == "queued"
    assert 25 <= swept <= 31


def test_a_worker_that_stays_away_after_an_outage_is_taken_for_dead_then(
    services: Services, redis_client: "Redis"
) -> None:
    job = orphan(services.store, redis_client, sent=False)
    redis_client.set("images:sweep:last", 1)
    sweep(services)
    redis_client.zadd("images:running", {job.id: 1})

    sweep(services)

    assert known(services.store, job.id).status == "queued"
