"""The metrics tell the truth about the whole service, in the form that Prometheus reads."""

import pytest
from redis import Redis

from shared.moves import Release
from tests.api.callers import Api, assert_fault
from tests.api.scraping import metrics
from tests.builders import CLAIM, accepted, in_state, running, until


def test_jobs_are_counted_by_kind_and_status(api: Api) -> None:
    for state in ("queued", "delayed", "running", "parked", "succeeded", "failed", "canceled"):
        in_state(api.store, state)

    told = metrics(api)

    jobs = ("image_api_jobs", "generate")
    by_status = {labels[2]: number for labels, number in told.items() if labels[:2] == jobs}
    assert by_status == {"queued": 2, "running": 2, "succeeded": 1, "failed": 1, "canceled": 1}
    assert told["image_api_jobs", "upscale", "queued"] == 0
    assert told["image_api_jobs_under_way",] == 2
    assert 0 <= told["image_api_queue_oldest_seconds",] < 5


def test_workers_and_their_slots_are_counted_while_their_hearts_beat(api: Api) -> None:
    api.store.heartbeat("one", 200, 60_000)
    api.store.heartbeat("full", 0, 60_000, "storage_error")
    api.store.heartbeat("cut off", 0, 60_000, "provider_unavailable")
    api.store.heartbeat("gone", 100, 50)

    until(lambda: metrics(api)["image_api_workers",] == 3)

    told = metrics(api)
    assert (told["image_api_worker_slots",], told["image_api_workers_cut_off",]) == (200, 1)


def test_a_call_that_is_repeated_with_an_unknown_outcome_is_counted(api: Api) -> None:
    assert metrics(api)["image_api_calls_repeated_unknown_outcome_total",] == 0
    job = running(api.store)
    api.store.begin_call(job.id, CLAIM, 10_000)

    api.store.release(job.id, CLAIM, Release(counter="unknown"))

    assert metrics(api)["image_api_calls_repeated_unknown_outcome_total",] == 1


def test_what_the_jobs_of_the_day_cost_is_told_in_credits(api: Api) -> None:
    accepted(api.store, estimate=6_500)
    job = accepted(api.store, estimate=3_000)
    api.store.cancel([job.id])

    assert metrics(api)["image_api_credits_today",] == 6.5


@pytest.mark.parametrize("why", ["provider_auth", "provider_credits"])
def test_a_provider_that_refuses_us_raises_the_alarm(api: Api, why: str) -> None:
    assert metrics(api)["image_api_provider_held_up", why] == 0

    api.services.breaker.note_failure("a", why)  # type: ignore[arg-type]  # one of the words

    told = metrics(api)
    held = {
        labels[1] for labels, n in told.items() if labels[0] == "image_api_provider_held_up" and n
    }
    assert held == {why}
    assert told["image_api_breaker_opened_total",] == 1


def test_a_lock_out_is_told_with_the_time_that_is_left(api: Api) -> None:
    api.store.pause(60_000, widen=True)

    told = metrics(api)

    assert told["image_api_provider_held_up", "rate_limited"] == 1
    assert 55 < told["image_api_provider_paused_seconds",] <= 60
    assert told["image_api_rate_limited_total",] == 1


def test_the_operator_s_pause_is_told_and_hides_nothing(api: Api) -> None:
    api.services.halt.begin("stock-taking")
    assert metrics(api)["image_api_provider_held_up", "paused"] == 1

    api.services.breaker.note_failure("a", "provider_auth")
    api.store.pause(60_000, widen=True)

    told = metrics(api)
    for reason in ("paused", "provider_auth", "rate_limited"):
        assert told["image_api_provider_held_up", reason] == 1, reason


def test_the_queue_is_as_old_as_its_oldest_job(api: Api, redis_client: "Redis") -> None:
    for age in (5, 600):
        job = accepted(api.store)
        redis_client.zincrby("images:list:generate:queued", -age * 1000, job.id)

    assert 600 <= metrics(api)["image_api_queue_oldest_seconds",] < 660


def test_a_full_storage_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert metrics(api)["image_api_storage_ok",] == 1

    monkeypatch.setattr("shared.folder_store.ROOM_BYTES", 2**80)

    assert metrics(api)["image_api_storage_ok",] == 0


def test_without_redis_there_are_none(without_redis: Api) -> None:
    assert_fault(without_redis.get("/metrics"), 503, "unavailable")
