"""A creative upscale is begun once and then asked for, with a provider that does as it is told."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from shared import errors
from shared.image_store import ImageStore
from shared.job_store import JobStore
from shared.jobs import Job
from shared.moves import Pace
from shared.scripts import PREFIX
from shared.services import Services
from tests.builders import PROVIDER_ID, accepted, at_once, known, now_ms, places, until
from tests.fakes import ScriptedProvider
from tests.pictures import picture
from tests.worker.bench import PICTURE, after_a_run, upscale, workshop
from worker.cooking import pause_before_asking
from worker.make_image import make_image
from worker.wire import ProviderImage
from worker.workshop import POLL_MS

LARGE = ProviderImage(picture(256, 256), 7, "q2")
DAY_MS = 86_400_000


def creative(services: Services, **changes: Any) -> Job:
    """Return an accepted job for a creative upscale."""
    return upscale(
        services,
        **{
            "operation": "upscale/creative",
            "variant": "creative",
            "request": {"mode": "creative", "prompt": "a fox", "output_format": "png"},
            "estimate": 60_000,
            **changes,
        },
    )


def cooking(services: Services, redis: "Redis") -> Job:
    """Return a job that the provider has begun, and for whose result it is time to ask."""
    job = creative(services)
    after_a_run(services, job, ScriptedProvider(PROVIDER_ID))
    return ripe(services, redis, job)


def ripe(services: Services, redis: "Redis", job: Job) -> Job:
    """Let the time come to ask for the result of a job."""
    assert places(redis, job.id) == ["parked"]
    redis.zadd(f"{PREFIX}parked", {job.id: 1})
    services.store.heartbeat("w", 100, 60_000)
    assert job.id in services.store.dispatch()
    return known(services.store, job.id)


def due(redis: "Redis", job: Job) -> float:
    """Return in how many ms the result of a parked job may be asked for."""
    return (redis.zscore(f"{PREFIX}parked", job.id) or 0) - now_ms(redis)


def test_what_was_begun_is_parked_under_the_providers_id(
    services: Services, redis_client: "Redis"
) -> None:
    provider = ScriptedProvider(PROVIDER_ID)

    job = after_a_run(services, creative(services), provider)

    assert (job.status, job.provider_id, job.attempts) == ("running", PROVIDER_ID, 1)
    assert (job.credits, job.claim) == (None, "")
    assert places(redis_client, job.id) == ["parked"]
    assert POLL_MS - 1_000 < due(redis_client, job) <= POLL_MS == 10_000
    (outgoing,) = provider.calls
    assert outgoing.path == "/v2beta/stable-image/upscale/creative"
    assert outgoing.parts["image"] == ("image", PICTURE)
    assert services.images.read_input(job.input) == PICTURE


def test_when_it_is_done_the_job_ends_with_its_picture(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(LARGE)
    redis_client.hincrby(f"{PREFIX}job:{job.id}", "sent", -30_000)

    done = after_a_run(services, job, provider)

    assert (done.status, done.credits, done.attempts) == ("succeeded", 60_000, 1)
    assert (done.result or {})["width"] == 256
    assert (done.provider_request_id, done.provider_id) == ("q2", PROVIDER_ID)
    assert 30_000 <= (done.provider_ms or 0) < 40_000
    assert done.revision == job.revision + 1
    assert (services.images.folder / job.image).read_bytes() == LARGE.data
    assert places(redis_client, job.id) == []
    with pytest.raises(FileNotFoundError):
        services.images.read_input(job.input)


def test_it_is_asked_for_by_its_id_and_with_the_key_and_nothing_is_paid(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(LARGE)

    after_a_run(services, job, provider)

    (poll,) = provider.polls
    assert (poll.path, poll.parts) == (f"/v2beta/results/{PROVIDER_ID}", {})
    assert poll.headers["Authorization"] == "Bearer sk-sandbox"
    assert provider.calls == []


def test_while_it_cooks_it_is_parked_again_and_nobody_is_told(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(None, None, LARGE)

    first = after_a_run(services, job, provider)
    pause = due(redis_client, first)
    second = after_a_run(services, ripe(services, redis_client, job), provider)
    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert first == second == job
    assert POLL_MS - 1_000 < pause <= POLL_MS
    assert (done.status, len(provider.polls)) == ("succeeded", 3)


TROUBLE = [
    (errors.ServerError("failed"), 10_000),
    (errors.ProviderUnavailable("away"), 10_000),
    (errors.OutcomeUnknown("broke off"), 10_000),
    (errors.ProviderTimeout("late"), 10_000),
    (errors.RateLimited("locked", 40), 40_000),
    (errors.RateLimited("locked", 1), 10_000),
    (errors.ProviderAuth("no"), 60_000),
    (errors.ProviderCredits("no"), 60_000),
]


@pytest.mark.parametrize(("fault", "pause"), TROUBLE)
def test_trouble_with_asking_costs_nothing_and_ends_nothing(
    services: Services, redis_client: "Redis", fault: Exception, pause: int
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(*[fault] * 9, LARGE)

    after = after_a_run(services, job, provider)
    waits = due(redis_client, after)
    for _ in range(8):
        redis_client.delete(f"{PREFIX}pace:paused_until")
        after_a_run(services, ripe(services, redis_client, job), provider)
    redis_client.delete(f"{PREFIX}pace:paused_until")
    done = after_a_run(services, ripe(services, redis_client, job), provider)

    assert after == job
    assert pause - 1_000 < waits <= pause
    assert (done.status, done.attempts, done.unknown) == ("succeeded", 1, 0)
    assert provider.calls == []


def test_a_lock_out_met_by_asking_pauses_everybody(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)

    after_a_run(services, job, ScriptedProvider(errors.RateLimited("locked", 60)))

    assert 50_000 < services.index.paused_ms() <= 60_000


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (errors.ResultLost("gone"), "provider_error"),
        (errors.OutputModerated("no"), "output_moderated"),
        (errors.ProviderBadImage("no"), "provider_bad_image"),
        (replace(LARGE, data=LARGE.data[:-1]), "provider_bad_image"),
        (replace(LARGE, data=picture(256, 100)), "provider_bad_image"),
        (KeyError("a defect"), "internal"),
    ],
)
def test_what_can_be_had_no_more_ends_the_job_as_charged(
    services: Services, redis_client: "Redis", answer: Any, code: str
) -> None:
    job = cooking(services, redis_client)

    after = after_a_run(services, job, ScriptedProvider(answer))

    assert (after.status, after.error_code, after.credits) == ("failed", code, 60_000)
    assert after.error
    assert places(redis_client, job.id) == []


@pytest.mark.parametrize("answer", [None, errors.ServerError("failed")])
def test_after_a_day_it_is_asked_for_once_more_and_then_given_up(
    services: Services, redis_client: "Redis", answer: Any
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(answer)
    redis_client.hincrby(f"{PREFIX}job:{job.id}", "sent", -DAY_MS - 1)

    after = after_a_run(services, job, provider)

    assert (after.status, after.error_code, after.credits) == ("failed", "provider_error", 60_000)
    assert len(provider.polls) == 1


def test_the_deadline_is_for_what_is_not_bought_yet(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    redis_client.hset(f"{PREFIX}job:{job.id}", "deadline", 1)

    assert after_a_run(services, job, ScriptedProvider(LARGE)).status == "succeeded"


@pytest.mark.parametrize(
    ("fault", "age_ms", "pause"),
    [
        (None, 0, 10_000),
        (None, 100_000, 10_000),
        (None, 600_000, 60_000),
        (None, DAY_MS, 300_000),
        (errors.ServerError("x"), 600_000, 60_000),
        (errors.RateLimited("x", 60), 0, 60_000),
        (errors.RateLimited("x", 60), DAY_MS, 300_000),
        (errors.ProviderAuth("x"), 0, 60_000),
        (errors.ProviderCredits("x"), DAY_MS, 300_000),
    ],
)
def test_what_takes_long_is_asked_for_less_often(
    fault: Exception | None, age_ms: int, pause: int
) -> None:
    assert pause_before_asking(fault, age_ms, POLL_MS) == pause


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (errors.InputModerated("no"), "failed", "input_moderated"),
        (errors.ProviderUnavailable("away"), "queued", None),
        (errors.ServerError("failed"), "queued", None),
        (errors.OutcomeUnknown("broke off"), "failed", "outcome_unknown"),
        (errors.ProviderBadImage("no id"), "failed", "provider_bad_image"),
    ],
)
def test_a_start_that_fails_follows_the_rule_of_any_paid_call(
    services: Services, fault: Exception, status: str, code: str | None
) -> None:
    after = after_a_run(services, creative(services), ScriptedProvider(fault))

    assert (after.status, after.error_code, after.provider_id) == (status, code, "")


def test_a_second_message_asks_for_nothing_while_it_is_parked(services: Services) -> None:
    job = creative(services)
    after_a_run(services, job, ScriptedProvider(PROVIDER_ID))
    provider = ScriptedProvider()

    after = after_a_run(services, job, provider)

    assert after.status == "running"
    assert provider.calls == provider.polls == []


def test_twenty_messages_at_once_ask_once(services: Services, redis_client: "Redis") -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider(*[None] * 20)
    shop = workshop(services, provider)

    at_once(lambda _: make_image(job.id, shop), range(20))

    assert len(provider.polls) == 1


def test_an_image_that_is_there_ends_the_job_without_asking(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    services.images.put(job.image, LARGE.data)

    after = after_a_run(services, job, provider)

    assert (after.status, after.credits) == ("succeeded", 60_000)
    assert provider.polls == []


def test_an_original_that_is_there_no_more_keeps_nobody_from_the_picture(
    services: Services, redis_client: "Redis"
) -> None:
    job = cooking(services, redis_client)
    services.images.delete_input(job.input)

    assert after_a_run(services, job, ScriptedProvider(LARGE)).status == "succeeded"


def test_while_storage_is_in_trouble_nobody_asks(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    monkeypatch.setattr("shared.image_store.ROOM_BYTES", 2**80)

    after = after_a_run(services, job, provider)

    assert (after.status, places(redis_client, job.id)) == ("running", ["parked"])
    assert provider.polls == []


def test_a_picture_that_could_not_be_written_is_asked_for_again(
    services: Services, redis_client: "Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullDisk(ImageStore):
        def put(self, name: str, data: bytes) -> bool:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("worker.workshop._WRITE_PAUSE_SECONDS", 0)
    job, full = cooking(services, redis_client), FullDisk(services.images.folder)

    after = after_a_run(services, job, ScriptedProvider(LARGE), images=full)
    done = after_a_run(services, ripe(services, redis_client, job), ScriptedProvider(LARGE))

    assert after == job
    assert (done.status, done.credits) == ("succeeded", 60_000)


def test_while_calls_are_paused_nobody_asks(services: Services, redis_client: "Redis") -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    services.store.pause(60_000)

    after = after_a_run(services, job, provider)

    assert (after, provider.polls) == (job, [])
    assert 50_000 < due(redis_client, job) <= 60_000


def test_a_stop_while_waiting_for_a_slot_leaves_it_parked(
    services: Services, redis_client: "Redis"
) -> None:
    job, provider = cooking(services, redis_client), ScriptedProvider()
    redis_client.set(f"{PREFIX}pace:next", now_ms(redis_client) + 2_500)
    shop = workshop(services, provider, store=JobStore(redis_client, Pace(2_500)))
    worker = threading.Thread(target=make_image, args=[job.id, shop])

    worker.start()
    until(lambda: known(services.store, job.id).slot)
    shop.stopping.set()
    worker.join(timeout=2)

    assert not worker.is_alive()
    assert (known(services.store, job.id), provider.polls) == (job, [])
    assert places(redis_client, job.id) == ["parked"]


def test_other_jobs_end_while_one_cooks(services: Services) -> None:
    upscaled, other = creative(services), accepted(services.store)
    services.store.heartbeat("w", 1, 60_000)
    provider = ScriptedProvider(PROVIDER_ID, ProviderImage(PICTURE, 7, "q1"))
    shop = workshop(services, provider)

    for _ in range(2):
        (job_id,) = services.store.dispatch()
        make_image(job_id, shop)

    assert known(services.store, upscaled.id).status == "running"
    assert known(services.store, other.id).status == "succeeded"
    assert services.store.dispatch() == []
